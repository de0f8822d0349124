// Merge fields, offered as soon as {{ is typed: with what they say to a reader, and the words for those who have none.
const OPEN = /\{\{[^{}\n]*$/;
const CLOSED = /^[^{}\n]*\}\}/;

function put(field) {
  return (view, _completion, _from, to) => {
    const line = view.state.doc.lineAt(to);
    const before = OPEN.exec(line.text.slice(0, to - line.from));
    const after = CLOSED.exec(line.text.slice(to - line.from));
    const from = line.from + before.index;
    // An address alone would be no link: it stands behind words, in parentheses.
    const bare = field.link && !line.text.slice(0, before.index).endsWith("(");
    const insert = bare ? `[${field.link}](${field.insert})` : field.insert;
    view.dispatch({
      changes: { from, to: to + (after?.[0].length ?? 0), insert },
      selection: { anchor: from + insert.length },
      userEvent: "input.complete",
    });
  };
}

/** A completion source for `fields`: name, text to put in, what it says, an example, and words for a link. */
export function fieldsOffered(fields) {
  const options = fields.map((field) => ({
    label: field.name,
    detail: field.example,
    info: field.says,
    apply: put(field),
  }));
  return (context) => {
    const open = context.matchBefore(OPEN);
    const typed = open?.text.slice(2).trimStart();
    if (!open || !/^\w*$/.test(typed)) return null;
    return { from: open.to - typed.length, options, validFor: /^\w*$/ };
  };
}
