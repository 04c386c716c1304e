// Python for the live exercises of a page: Pyodide in a worker, so that a page can stop code that never ends.
// Messages in: {boot: {pyodide, wheel}} once, then {run: {source, key, exercise, checks}}, one at a time.
// Messages out: {loading: what}, {ready}, {begun} when the code starts, {answer} as JSON text of autograder.page, {failed}.

const COURSE = "/course";
let python;
let answer;
const present = new Set();

/** The bytes at an address; an Error that names it where they cannot be had. */
async function bytes(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address} answers ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** The saved pages and all else that the site keeps in this browser are not for code that somebody pasted. */
function hideStores() {
  for (let object = self; object; object = Object.getPrototypeOf(object)) {
    delete object.caches;
    delete object.indexedDB;
  }
}

/** Load Python, NumPy and the course's checking modules. */
async function boot({ pyodide, wheel }) {
  const archive = bytes(wheel);
  archive.catch(() => {}); // told below, after Python's own failure if there is one
  postMessage({ loading: "Python (1 of 3; about 9 MB in all, once)" });
  const { loadPyodide } = await import(`${pyodide}pyodide.mjs`);
  python = await loadPyodide({ indexURL: pyodide });
  postMessage({ loading: "NumPy (2 of 3)" });
  const trouble = [];
  await python.loadPackage("numpy", { messageCallback: () => {}, errorCallback: (text) => trouble.push(text) });
  if (!python.loadedPackages.numpy) throw new Error(trouble.join(" ") || "NumPy did not load");
  postMessage({ loading: "the checks (3 of 3)" });
  python.unpackArchive(await archive, "zip", { extractDir: COURSE });
  python.runPython(`import sys; sys.path.insert(0, "${COURSE}")`);
  answer = python.pyimport("autograder.page").answer;
  hideStores();
}

/** Put a notebook's public checks where the course's modules look for them. */
async function place(key, checks) {
  if (present.has(key)) return;
  const folder = `${COURSE}/exercises/${key.split("/")[0]}/checks`;
  python.FS.mkdirTree(folder);
  await Promise.all(checks.map(async (address) => {
    const name = new URL(address).pathname.split("/").pop();
    python.FS.writeFile(`${folder}/${name}`, await bytes(address));
  }));
  present.add(key);
}

onmessage = async ({ data }) => {
  try {
    if (data.boot) {
      await boot(data.boot);
      postMessage({ ready: true });
    } else {
      const { source, key, exercise, checks } = data.run;
      await place(key, checks);
      postMessage({ begun: true });
      postMessage({ answer: answer(source, key, exercise) });
    }
  } catch (error) {
    postMessage({ failed: String(error.message ?? error) });
  }
};
