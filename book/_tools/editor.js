// The editor of the live exercises. `make vendor` bundles this file with CodeMirror; pages load the bundle.

import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { pythonLanguage } from "@codemirror/lang-python";
import { HighlightStyle, bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--live-keyword)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--live-string)" },
  { tag: tags.comment, color: "var(--live-comment)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--live-number)" },
  { tag: [tags.function(tags.definition(tags.variableName)), tags.definition(tags.className)], color: "var(--live-name)" },
]);

const theme = EditorView.theme({
  "&": { backgroundColor: "var(--pst-color-surface)", color: "var(--pst-color-text-base)" },
  "&.cm-focused": { outline: "2px solid var(--pst-color-primary)" },
  ".cm-scroller": { fontFamily: "var(--pst-font-family-monospace)", lineHeight: "1.5" },
  ".cm-content": { caretColor: "var(--pst-color-text-base)" },
  ".cm-cursor": { borderLeftColor: "var(--pst-color-text-base)" },
  ".cm-gutters": { backgroundColor: "var(--pst-color-surface)", color: "var(--pst-color-text-muted)", border: "none" },
  ".cm-activeLine": { backgroundColor: "var(--live-line)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--live-selection)",
  },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--live-selection)", outline: "1px solid currentColor" },
});

/**
 * An editor in `parent`. Tab is left to the browser, which moves the focus; Ctrl+] and Ctrl+[ indent.
 * Returns {text(), replace(text), focus()}.
 */
export function createEditor({ parent, text, label, describedBy, onChange, onRun }) {
  const run = () => { onRun(); return true; };
  const view = new EditorView({
    parent,
    doc: text,
    extensions: [
      lineNumbers(), history(), drawSelection(), bracketMatching(), indentOnInput(), highlightActiveLine(),
      EditorState.tabSize.of(4), indentUnit.of("    "), pythonLanguage, syntaxHighlighting(colours), theme,
      keymap.of([{ key: "Shift-Enter", run }, ...defaultKeymap, ...historyKeymap]),
      EditorView.contentAttributes.of({ "aria-label": label, "aria-describedby": describedBy, tabindex: "0" }),
      EditorView.updateListener.of((update) => { if (update.docChanged) onChange(update.state.doc.toString()); }),
    ],
  });
  return {
    text: () => view.state.doc.toString(),
    replace: (other) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: other } }),
    focus: () => view.focus(),
  };
}
