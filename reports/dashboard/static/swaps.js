// After htmx has put new content in, the keyboard stays where it was, or goes to the content; nothing else is done here.
"use strict";
document.addEventListener("htmx:after:swap", () => {
  if (document.activeElement === null || document.activeElement === document.body) {
    document.getElementById("main")?.focus({ preventScroll: true });
  }
});
