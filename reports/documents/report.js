"use strict";
// Shows only the items that hold every word typed. Without this script all items can be read.
(() => {
  const box = document.getElementById("item-filter");
  if (!box) return;
  const field = box.querySelector("input");
  const shown = box.querySelector("output");
  const rows = [...document.querySelectorAll("[data-item]")];
  const more = document.getElementById("more-items");
  let wasOpen = null;
  box.hidden = false;
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      count += row.hidden ? 0 : 1;
    }
    if (more) {
      wasOpen ??= more.open;
      more.open = words.length > 0 || wasOpen;
      if (!words.length) wasOpen = null;
    }
    shown.textContent = words.length ? `${count} of ${rows.length} items` : "";
  });
})();
