// The page's side of Python: one worker for all exercises of a page. Code that does not end costs the worker, and
// the next run starts another.

let worker;

/** Run a task {source, key, exercise, checks} and check it. `tell` gets what is going on; resolves to the answer of
 * autograder.page. `pyodide`, `wheel` and `script` are addresses; `seconds` is how long the code may run. */
export async function ask(task, { pyodide, wheel, script, seconds }, tell) {
  if (!worker) {
    tell("Loading Python, about 10 MB, once…");
    worker = new Worker(script, { type: "module" });
    worker.postMessage({ boot: { pyodide, wheel } });
    await message("ready", (why) => `Python could not be loaded from ${new URL(pyodide).host} (${why}). ` +
      "Look at your connection and press Run again, or use the notebook.");
  }
  tell("Running…");
  worker.postMessage({ run: task });
  await message("begun", (why) => `The checks could not be loaded (${why}). Press Run again, or use the notebook.`);
  const answer = message("answer", (why) => `Python stopped (${why}). The next run starts it again.`);
  const late = setTimeout(() => worker.onerror({
    sentence: `Stopped: your code ran for more than ${seconds} seconds. Is there a loop that never ends?`,
  }), 1000 * seconds);
  return JSON.parse(await answer.finally(() => clearTimeout(late)));
}

/** The next message of this kind. Anything else ends the worker, with a sentence. */
function message(kind, sentence) {
  return new Promise((resolve, reject) => {
    const end = (text) => {
      worker.terminate();
      worker = undefined;
      reject(new Error(text));
    };
    worker.onmessage = ({ data }) => (kind in data ? resolve(data[kind]) : end(sentence(data.failed)));
    worker.onerror = (event) => end(event.sentence ?? sentence(event.message || "its script did not start"));
  });
}
