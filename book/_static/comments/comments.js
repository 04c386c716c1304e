// Loads the comments of a hosted service when the reader presses the button, in the theme that the page shows.

/** The names that the services give to their themes. */
const THEMES = {
  giscus: { attribute: "data-theme", light: "light", dark: "dark" },
  utterances: { attribute: "theme", light: "github-light", dark: "github-dark" },
};

const section = document.getElementById("comments");
const button = section.querySelector("button");
section.hidden = false;

button.addEventListener("click", () => {
  const { service, script: source, settings } = button.dataset;
  const { attribute, ...names } = THEMES[service];
  const script = document.createElement("script");
  const all = { crossorigin: "anonymous", [attribute]: names[document.documentElement.dataset.theme] || names.light };
  for (const [name, value] of Object.entries({ ...all, ...JSON.parse(settings) })) script.setAttribute(name, value);
  script.src = source;
  script.addEventListener("error", () => {
    script.replaceWith("The comments cannot be reached. They need a connection.");
  });
  button.replaceWith(script);
}, { once: true });
