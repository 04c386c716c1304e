// The live exercises of a page: buttons at once; an editor, Python and the checks only when the reader wants them.
// A classic script and no module, so that it can say what to do when the page was opened as a file.
{
  const here = new URL(".", document.currentScript.src);
  const FROM_A_FILE = "Python cannot start in a page that was opened as a file. Run `make serve` in the course's " +
    "folder and open the address that it prints, or use the notebook.";

  /** An HTML element with properties, and children or text. */
  const html = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  let settings;
  /** The addresses of all that is loaded later, with digests: asked for anew, so that a cache mixes no versions. */
  const load = () => settings ??= (async () => {
    if (location.protocol === "file:") throw new Error(FROM_A_FILE);
    try {
      const response = await fetch(new URL("settings.json", here), { cache: "no-cache" });
      if (!response.ok) throw new Error(`settings.json answers ${response.status}`);
      const { checks, ...rest } = await response.json();
      const address = (path) => new URL(path, here).href;
      const all = Object.fromEntries(Object.entries(rest).map(([name, path]) => [name, address(path)]));
      return { ...all, checks: (key) => checks[key].map(address) };
    } catch (error) {
      settings = undefined; // the next click tries again
      throw new Error(`The site cannot be reached (${error.message}). Look at your connection and press again.`);
    }
  })();

  /** The interpreter of this page, in a worker. Code that does not end costs the worker; the next run starts another. */
  const python = {
    /** Run code and check it; `tell` gets what is going on. Resolves to autograder.page's answer. */
    async ask({ source, key, exercise, seconds }, tell) {
      const where = await load();
      if (!this.worker) {
        tell("Loading Python, about 10 MB, once…");
        await this.boot(where);
      }
      tell("Running…");
      this.worker.postMessage({ run: { source, key, exercise, checks: where.checks(key) } });
      await this.message("begun");
      return JSON.parse(await this.message("answer", seconds));
    },

    async boot({ worker, pyodide, wheel }) {
      this.worker = new Worker(worker, { type: "module" });
      this.worker.postMessage({ boot: { pyodide, wheel } });
      try {
        await this.message("ready");
      } catch (error) {
        const host = new URL(pyodide).host;
        throw new Error(`Python could not be loaded from ${host} (${error.message}). ` +
          "Look at your connection and press again, or use the notebook.");
      }
    },

    /** The next message of this kind. Anything else, or nothing for `seconds`, ends the worker. */
    message(kind, seconds) {
      return new Promise((resolve, reject) => {
        let timer;
        const end = (sentence) => { this.worker.terminate(); this.worker = undefined; reject(new Error(sentence)); };
        if (seconds) {
          timer = setTimeout(() => end(`Stopped: your code ran for more than ${seconds} seconds. ` +
            "Is there a loop that never ends? The next run starts afresh."), 1000 * seconds);
        }
        this.worker.onmessage = ({ data }) => {
          clearTimeout(timer);
          if (kind in data) resolve(data[kind]);
          else end(kind === "answer" ? `Python stopped (${data.failed}). The next run starts it again.` : data.failed);
        };
        this.worker.onerror = (event) => {
          clearTimeout(timer);
          end(event.message || "the worker did not start");
        };
      });
    },
  };

  let turn = Promise.resolve();
  /** One after the other: the exercises of a page share the interpreter. */
  const inTurn = (task) => turn = turn.then(task, task);

  const store = {
    get: (name) => { try { return localStorage.getItem(name); } catch { return null; } },
    set(name, text) {
      try {
        if (text === null) localStorage.removeItem(name);
        else localStorage.setItem(name, text);
      } catch { /* a private window: edits last as long as the page */ }
    },
  };

  /** Report.plain() as a list: the words of `check` in a notebook, in the same order. */
  const drawn = ({ probes, mistakes }) => [
    html("ul", {}, ...probes.map(({ status, mark, title, detail }) => {
      const sign = html("span", { className: "live-mark", role: "img", ariaLabel: status }, mark);
      return html("li", { className: status === "passed" ? "live-passed" : "live-missed" },
        sign, ` ${title}`, ...(detail ? [": ", html("span", { className: "live-detail" }, detail)] : []));
    })),
    ...mistakes.map(({ says, notes }) => html("p", { className: "live-mistake" },
      "→ ", html("strong", {}, says), ...notes.map((note) => html("span", {}, note)))),
  ];

  let count = 0;
  const button = (text, onclick) => html("button", { type: "button", onclick }, text);

  for (const section of document.querySelectorAll(".live-exercise")) {
    const { key, exercise, timeout } = section.dataset;
    const block = section.querySelector("div[class*=highlight-]");
    const code = block.querySelector("pre");
    const starter = code.textContent;
    const name = `live-exercise:${key}/${exercise}`;
    const keys = html("p", { className: "live-keys", id: `live-keys-${++count}`, hidden: true },
      "Shift+Enter runs and checks. Tab leaves the editor; Ctrl+] and Ctrl+[ indent.");
    const place = html("div", { className: "live-editor" });
    const status = html("span", { className: "live-status", role: "status" });
    const printed = html("div");
    const report = html("div", { className: "live-report", ariaLive: "polite" });
    let editor;

    const kept = (text) => {
      code.textContent = text; // what is printed, and what stands here until the editor opens
      store.set(name, text === starter ? null : text);
    };

    const edit = async () => {
      if (editor) return editor.focus();
      try {
        const { createEditor } = await import((await load()).editor);
        editor ??= createEditor({
          parent: place, text: code.textContent, label: `Python code of ${exercise}`, describedBy: keys.id,
          onChange: kept, onRun: run,
        });
      } catch (error) {
        status.textContent = location.protocol === "file:" ? FROM_A_FILE : `The editor did not load: ${error.message}`;
        return;
      }
      section.classList.add("live-edited");
      keys.hidden = false;
      editButton.hidden = true;
      editor.focus();
    };

    const run = () => {
      if (runButton.ariaDisabled === "true") return;
      runButton.ariaDisabled = "true"; // not `disabled`, which would lose the focus
      printed.replaceChildren();
      report.replaceChildren();
      status.textContent = "Waiting for the run before this one…";
      inTurn(async () => {
        try {
          const task = { source: code.textContent, key, exercise, seconds: Number(timeout) };
          show(await python.ask(task, (text) => { status.textContent = text; }));
        } catch (error) {
          status.textContent = error.message;
        }
        runButton.ariaDisabled = "false";
      });
    };

    const show = ({ output, error, report: found }) => {
      if (output) printed.append(html("pre", { className: "live-output", tabIndex: 0, ariaLabel: "Output" }, output));
      if (error) report.append(html("pre", { className: "live-error", tabIndex: 0 }, error));
      if (found) report.append(...drawn(found));
      status.textContent = found ? found.headline : "Your code ended with an error.";
      section.classList.toggle("live-solved", Boolean(found?.passed));
    };

    const reset = () => {
      kept(starter);
      editor?.replace(starter);
      printed.replaceChildren();
      report.replaceChildren();
      status.textContent = "The code is as it was at first.";
    };

    const runButton = button("Run and check", run);
    runButton.className = "live-run";
    const editButton = button("Edit", edit);
    code.onclick = () => { if (!String(getSelection())) edit(); }; // who selects the code wants to copy it
    const saved = store.get(name);
    if (saved !== null) code.textContent = saved;
    block.after(place, keys, html("div", { className: "live-bar" }, runButton, editButton, button("Reset", reset), status),
      printed, report);
  }
}
