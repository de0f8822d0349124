// Strong, emphasis and links by the keys everybody knows: around what is selected, and off again.
import { EditorSelection } from "../vendor/codemirror.js";

function around(mark) {
  const size = mark.length;
  return (view) => {
    const { state } = view;
    const changed = state.changeByRange(({ from, to }) => {
      const wrapped = state.sliceDoc(from - size, from) === mark && state.sliceDoc(to, to + size) === mark;
      const shift = wrapped ? -size : size;
      return {
        changes: wrapped
          ? [{ from: from - size, to: from }, { from: to, to: to + size }]
          : [{ from, insert: mark }, { from: to, insert: mark }],
        range: EditorSelection.range(from + shift, to + shift),
      };
    });
    view.dispatch(changed, { userEvent: "input.format", scrollIntoView: true });
    return true;
  };
}

function link(view) {
  const { from, to } = view.state.selection.main;
  const words = view.state.sliceDoc(from, to);
  const address = /^https?:\/\/\S+$/.test(words);
  const before = address ? "[" : `[${words}](`;
  const after = address ? `](${words})` : ")";
  view.dispatch({
    changes: { from, to, insert: before + after },
    selection: { anchor: from + before.length },
    userEvent: "input.format",
    scrollIntoView: true,
  });
  return true;
}

/** Ctrl+B, Ctrl+I and Ctrl+K, or with the command key. */
export const markup = [
  { key: "Mod-b", run: around("**"), preventDefault: true },
  { key: "Mod-i", run: around("*"), preventDefault: true },
  { key: "Mod-k", run: link, preventDefault: true },
];
