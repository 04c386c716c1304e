// The page's side of Python: one worker for all exercises of a page. Code that does not end costs the worker, and
// the next run starts another.

let worker;
let refuse = () => {}; // rejects what is awaited of the worker

/** End the worker; all that code left in it goes. Who waits for it gets an Error with the sentence. */
export function stop(sentence) {
  worker?.terminate();
  worker = undefined;
  refuse(new Error(sentence));
}

/** Run a task {source, key, exercise, checks} and check it. `tell` gets what is going on; resolves to the answer of
 * autograder.page. `pyodide`, `wheel` and `script` are addresses; `seconds` is how long the code may run. */
export async function ask(task, { pyodide, wheel, script, seconds }, tell) {
  if (!worker) {
    tell("Loading Python…");
    worker = new Worker(script, { type: "module" });
    worker.postMessage({ boot: { pyodide, wheel } });
    await message("ready", (why) => `Python could not be loaded from ${new URL(pyodide).host} (${why}). ` +
      "Look at your connection and press Run again, or use the notebook.", tell);
  }
  worker.postMessage({ run: task });
  await message("begun", (why) => `The checks could not be loaded (${why}). Press Run again, or use the notebook.`, tell);
  tell("Running…");
  const late = setTimeout(stop, 1000 * seconds,
    `Stopped: your code ran for more than ${seconds} seconds. Is there a loop that never ends?`);
  const answer = message("answer", (why) => `Python stopped (${why}). The next run starts it again.`, tell);
  return JSON.parse(await answer.finally(() => clearTimeout(late)));
}

/** The next message of this kind; {loading} before it is told. Anything else ends the worker, with a sentence. */
function message(kind, sentence, tell) {
  return new Promise((resolve, reject) => {
    refuse = reject;
    worker.onmessage = ({ data }) => {
      if (kind in data) resolve(data[kind]);
      else if ("loading" in data) tell(`Loading ${data.loading}…`);
      else stop(sentence(data.failed));
    };
    worker.onerror = (event) => stop(sentence(event.message || "its script did not start"));
  });
}
