// The live exercises of a page: buttons at once; an editor, Python and the checks only when the reader wants them.
// A classic script and no module, so that it can say what to do when the page was opened as a file.
{
  const here = new URL(".", document.currentScript.src);

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

  /** Run code and check it, one exercise of the page after the other. */
  const check = async ({ key, ...task }, seconds, tell) => {
    const [python, { pyodide, wheel, worker, checks }] = await load("python");
    const address = (path) => new URL(path, here).href;
    const places = { pyodide: address(pyodide), wheel: address(wheel), script: address(worker), seconds };
    return python.ask({ ...task, key, checks: checks[key].map(address) }, places, tell);
  };
  let turn = Promise.resolve();
  const inTurn = (task) => turn = turn.then(task, task);

  /** localStorage, where there is one: else edits last as long as the page. */
  const stored = (action) => { try { return action(localStorage); } catch { return null; } };

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
    const name = `live-exercise:${key}/${exercise}`;
    const keys = html("p", { className: "live-keys", id: `live-keys-${number}`, hidden: true },
      "Shift+Enter runs and checks. Tab leaves the editor; Ctrl+] and Ctrl+[ indent.");
    const place = html("div", { className: "live-editor" });
    const status = html("span", { className: "live-status", role: "status" });
    const output = html("div", { className: "live-printed" });
    const report = html("div", { className: "live-report", ariaLive: "polite" });
    const say = (text) => { status.textContent = text; };
    const clear = () => [output, report].forEach((part) => part.replaceChildren());
    let editor;

    const keep = (text) => {
      code.textContent = text;
      stored((storage) => (text === starter ? storage.removeItem(name) : storage.setItem(name, text)));
    };

    const edit = async () => {
      try {
        const [{ createEditor }] = await load("editor");
        editor ??= createEditor({
          parent: place, text: code.textContent, onChange: keep, onRun: run,
          label: `Python code of ${exercise}`, describedBy: keys.id,
        });
      } catch (error) {
        return say(error.message);
      }
      section.classList.add("live-edited");
      keys.hidden = false;
      editButton.hidden = true;
      editor.focus();
    };

    const run = () => {
      if (runButton.ariaDisabled === "true") return;
      runButton.ariaDisabled = "true"; // not `disabled`, which would lose the focus
      clear();
      say("Waiting for the run before this one…");
      inTurn(async () => {
        const task = { source: code.textContent, key, exercise };
        await check(task, Number(section.dataset.timeout), say).then(show, (error) => say(error.message));
        runButton.ariaDisabled = "false";
      });
    };

    const show = ({ output: printed, error, report: found }) => {
      if (printed) output.append(html("pre", { tabIndex: 0, ariaLabel: "Output" }, printed));
      if (error) report.append(html("pre", { className: "live-error", tabIndex: 0 }, error));
      if (found) report.append(...drawn(found));
      say(found ? found.headline : "Your code ended with an error.");
      section.classList.toggle("live-solved", Boolean(found?.passed));
    };

    const reset = () => {
      keep(starter);
      editor?.replace(starter);
      clear();
      say("The code is as it was at first.");
    };

    const button = (text, onclick) => html("button", { type: "button", onclick }, text);
    const runButton = button("Run and check", run);
    const editButton = button("Edit", edit);
    runButton.className = "live-run";
    place.onkeydown = (event) => event.stopPropagation(); // Sphinx would take "/" for its search
    code.onclick = () => { if (!String(getSelection())) edit(); }; // who selects the code wants to copy it
    const saved = stored((storage) => storage.getItem(name));
    if (saved !== null) code.textContent = saved;
    block.after(place, keys, html("div", { className: "live-bar" }, runButton, editButton, button("Reset", reset), status),
      output, report);
  };

  document.querySelectorAll(".live-exercise").forEach(enliven);
}
