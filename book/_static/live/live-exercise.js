// The live exercises of a page: buttons at once; an editor, Python and the checks only when the reader wants them.
// A classic script and no module, so that it can say what to do when the page was opened as a file.
{
  const CALLED = "Printed when the checks called your code, once for each case:";
  const here = new URL(".", document.currentScript.src);
  const site = new URL("../..", here).pathname; // other courses may share the server, and so the storage

  /** An HTML element with properties, and children or text. */
  const html = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  let addresses;
  /** What is loaded later, with digests. Asked for anew by each page, so that a cache mixes no versions. */
  const settings = () => addresses ??= fetch(new URL("settings.json", here), { cache: "no-cache" })
    .then((response) => response.json());

  /** Import a module that settings.json names. An Error says in a sentence why it cannot be had. */
  const load = async (name) => {
    if (location.protocol === "file:") {
      throw new Error("This works only from a web server, and the page was opened as a file. " +
        "Run make serve in the course's folder, or use the notebook.");
    }
    try {
      const named = await settings();
      return [await import(new URL(named[name], here)), named];
    } catch (error) {
      addresses = undefined; // the next click tries again
      throw new Error(`The site cannot be reached (${error.message}). Look at your connection and try again.`);
    }
  };

  let python;
  /** Run code and check it. */
  const check = async ({ key, ...task }, seconds, tell) => {
    let named;
    [python, named] = await load("python");
    const { pyodide, wheel, worker, checks } = named;
    const address = (path) => new URL(path, here).href;
    const places = { pyodide: address(pyodide), wheel: address(wheel), script: address(worker), seconds };
    return python.ask({ ...task, key, checks: checks[key].map(address) }, places, tell);
  };
  /** The exercises of the page share one Python, and take turns. */
  let turn = Promise.resolve();
  const inTurn = (task) => turn = turn.then(task, task);

  /** What is kept in localStorage, where there is one: else edits last as long as the page. */
  const recall = (name) => { try { return JSON.parse(localStorage.getItem(name)); } catch { return null; } };
  const remember = (name, what) => {
    try {
      if (what) localStorage.setItem(name, JSON.stringify(what));
      else localStorage.removeItem(name);
    } catch { /* a full or forbidden storage */ }
  };

  /** "See: Batch normalization, eq. (2)": on the page of that title the equation is a link. */
  const linked = (note) => {
    const [, title, equation] = /^See: (.+), (eq\. \(\d+\))$/.exec(note) ?? [];
    const numbers = title && document.querySelector("h1")?.textContent.startsWith(title)
      ? [...document.querySelectorAll(".eqno")] : [];
    const found = numbers.find(({ textContent }) => `eq. ${textContent}`.startsWith(equation))?.closest("[id]");
    return found ? [`See: ${title}, `, html("a", { href: `#${found.id}` }, equation)] : [note];
  };

  /** Report.plain(), in the words and the order of `check` in a notebook. */
  const drawn = ({ probes, mistakes }) => [
    html("ul", {}, ...probes.map(({ status, mark, title, detail }) => html(
      "li", { className: status === "passed" ? "live-passed" : "live-missed" },
      html("span", { className: "live-mark", role: "img", ariaLabel: status }, mark),
      ` ${title}`, ...(detail ? [": ", html("span", { className: "live-detail" }, detail)] : []),
    ))),
    ...mistakes.map(({ says, notes }) => html(
      "p", { className: "live-mistake" }, "→ ", html("strong", {}, says), ...notes.map((note) => html("span", {}, ...linked(note))),
    )),
  ];

  /** Give a section of the page its buttons. */
  const enliven = (section, number) => {
    const { key, exercise } = section.dataset;
    const block = section.querySelector("div[class*=highlight-]");
    const code = block.querySelector("pre"); // holds the code as it is now: what is shown, run, printed
    const starter = code.textContent;
    const name = `live-exercise:${site}${key}/${exercise}`;
    let { starter: base = starter, text: saved, solved } = recall(name) ?? {}; // base: what the saved text began from
    let running = false;
    let round = 0; // what began before the last reset is not shown
    const keys = html("p", { className: "live-keys", id: `live-keys-${number}` },
      "You can edit this code: press Edit or click into it. Shift+Enter runs and checks. " +
      "Tab leaves the editor; Ctrl+] and Ctrl+[ indent.");
    const place = html("div", { className: "live-editor" });
    const status = html("span", { className: "live-status", role: "status" });
    const output = html("div", { className: "live-printed" });
    const report = html("div", { className: "live-report", ariaLive: "polite" });
    const say = (text) => { status.textContent = text; };
    const clear = () => [output, report].forEach((part) => part.replaceChildren());
    let editor;
    let trouble; // why the editor did not load

    const mark = () => section.classList.toggle("live-solved", code.textContent === solved);
    const keep = (text) => {
      code.textContent = text;
      remember(name, text === starter ? null : { starter: base, text, solved });
      mark();
    };

    const edit = async () => {
      try {
        const [{ createEditor }] = await load("editor");
        editor ??= createEditor({
          parent: place, text: code.textContent, onChange: keep, onRun: run,
          label: `Python code of ${exercise}`, describedBy: keys.id,
        });
      } catch (error) {
        trouble = error.message;
        return say(trouble);
      }
      if (status.textContent === trouble) say("");
      section.classList.add("live-edited");
      editButton.hidden = true;
      editor.focus();
    };

    const run = () => {
      if (runButton.ariaDisabled === "true") return;
      runButton.ariaDisabled = "true"; // not `disabled`, which would lose the focus
      clear();
      say("Waiting for the run before this one…");
      const mine = round;
      const current = (action) => (value) => mine === round && action(value);
      inTurn(async () => {
        const source = code.textContent;
        running = mine === round;
        try {
          if (!running) return;
          const answer = await check({ source, key, exercise }, Number(section.dataset.timeout), current(say));
          current(show)({ source, ...answer });
        } catch (error) {
          current(say)(error.message);
        } finally {
          running = false;
          runButton.ariaDisabled = "false";
        }
      });
    };

    const printed = (text, label) => html("pre", { tabIndex: 0, ariaLabel: label }, text);
    const show = ({ source, output: text, called, error, report: found }) => {
      if (text) output.append(printed(text, "Output"));
      if (called) output.append(html("p", {}, CALLED), printed(called, CALLED));
      if (error) report.append(html("pre", { className: "live-error", tabIndex: 0 }, error));
      if (found) report.append(...drawn(found));
      say(found ? found.headline : "Your code ended with an error.");
      if (found?.passed) solved = source;
      else if (solved === source) solved = undefined;
      keep(code.textContent);
    };

    const reset = () => {
      round += 1;
      base = starter;
      solved = undefined;
      editor?.replace(starter);
      keep(starter);
      clear();
      const stop = async () => python?.stop("Stopped.");
      if (running) stop();
      else inTurn(stop); // another exercise may be running
      say("The code is as it was at first, and Python starts anew.");
    };

    const button = (text, onclick) => html("button", { type: "button", onclick }, text);
    const runButton = button("Run and check", run);
    const editButton = button("Edit", edit);
    runButton.className = "live-run";
    place.onkeydown = (event) => event.stopPropagation(); // Sphinx would take "/" for its search
    code.onclick = () => { if (!String(getSelection())) edit(); }; // who selects the code wants to copy it
    if (saved !== undefined) code.textContent = saved;
    mark();
    if (base !== starter) say("The exercise has changed since you wrote this; Reset shows the new one.");
    else if (code.textContent === solved) say("You have solved this: all checks passed.");
    block.after(place, keys, html("div", { className: "live-bar" }, runButton, editButton, button("Reset", reset), status),
      output, report);
  };

  document.querySelectorAll(".live-exercise").forEach(enliven);
}
