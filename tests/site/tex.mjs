// Parses formulas with the MathJax of the pages. From stdin: JSON {config, formulas: [{tex, display}]}.
// To stdout: a JSON list with the complaint about each formula, null where there is none.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { config, formulas } = JSON.parse(readFileSync(0, "utf-8"));
const MathJax = await createRequire(import.meta.url)("mathjax").init({
  loader: { load: ["input/tex", "output/chtml"] },
  // In a page this package shows an undefined macro in red; without it, that is an error.
  tex: { ...config, packages: { "[-]": ["noundefined"] }, formatError: (_, error) => { throw error; } },
});

const complaint = async ({ tex, display }) => {
  try {
    MathJax.texReset();
    await MathJax.tex2chtmlPromise(tex, { display });
    return null;
  } catch (error) {
    return error.message;
  }
};
const complaints = [];
for (const formula of formulas) complaints.push(await complaint(formula));
process.stdout.write(JSON.stringify(complaints));
