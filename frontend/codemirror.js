// What the letter editor (web/static/staff/editor.js) needs of CodeMirror, and no more.
export { Annotation, ChangeSet, EditorSelection, EditorState, StateField } from "@codemirror/state";
export { Decoration, EditorView, MatchDecorator, ViewPlugin, keymap, showTooltip } from "@codemirror/view";
export { history, historyKeymap, standardKeymap } from "@codemirror/commands";
export { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
export { commonmarkLanguage, deleteMarkupBackward, insertNewlineContinueMarkup } from "@codemirror/lang-markdown";
export { autocompletion, completionKeymap, startCompletion } from "@codemirror/autocomplete";
export { forEachDiagnostic, linter, nextDiagnostic, previousDiagnostic, setDiagnostics } from "@codemirror/lint";
export { tags } from "@lezer/highlight";
