// What the timeline (web/static/staff/timeline.js) needs to let letters be dragged.
export { default as Sortable } from "sortablejs/modular/sortable.esm.js";
