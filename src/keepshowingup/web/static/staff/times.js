// Times come as UTC; a desk has its own clock. Without this script they stay UTC and say so.
"use strict";

for (const time of document.querySelectorAll("time[data-clock], time[data-moment]")) {
  const moment = new Date(time.dateTime);
  if (Number.isNaN(moment.getTime())) continue;
  const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const sameDay = moment.toDateString() === new Date().toDateString();
  const shape = time.hasAttribute("data-clock") && sameDay ? clock : { day: "numeric", month: "short", ...clock };
  time.title = time.dateTime;
  time.textContent = new Intl.DateTimeFormat("en-GB", shape).format(moment);
}
