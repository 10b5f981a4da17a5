"use strict";
// Comfort only: without it the table is whole, and cells still open their reasons.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const by = (id) => document.getElementById(id);
  const search = by("search");
  const fold = by("fold");
  const shown = by("shown");
  const bar = document.querySelector(".bar");
  const chips = all(".chip");

  // What a row can be found by: its version and verdict, the row it is in, and the reasons of whatever is not clean.
  const text = (row) => {
    const minor = row.parentElement.querySelector(".minor th").textContent;
    const parts = [...all(".version, .tag", row).map((e) => e.textContent), minor, row.dataset.verdict];
    for (const button of all("td:not(.s-clean):not(.s-ok) button, td:nth-child(2) button", row)) {
      const card = by(button.getAttribute("popovertarget"));
      parts.push(button.getAttribute("aria-label"), card.querySelector(".text").textContent);
    }
    return parts.join("\n").toLowerCase();
  };
  const rows = all("tr[data-verdict]").map((row) => ({ row, kinds: [row.dataset.verdict, row.dataset.check], text: null }));
  const groups = all("tbody").map((body) => ({ body, rows: all("tr[data-verdict]", body) }));
  const sections = all(".component");

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdicts = new Set(chips.filter((c) => c.getAttribute("aria-pressed") === "true").map((c) => c.dataset.verdict));
    let number = 0;
    for (const entry of rows) {
      let visible = verdicts.size === 0 || entry.kinds.some((kind) => verdicts.has(kind));
      if (visible && words.length > 0) {
        entry.text ??= text(entry.row);
        visible = words.every((word) => entry.text.includes(word));
      }
      entry.row.hidden = !visible;
      number += visible;
    }
    for (const { body, rows } of groups) body.hidden = rows.every((row) => row.hidden);
    for (const section of sections) section.hidden = all("tbody", section).every((body) => body.hidden);
    // Equal releases are folded into the first of them, which a search may have hidden.
    document.body.classList.toggle("folded", fold.checked && words.length === 0);
    by("none").hidden = number > 0;
    shown.textContent = number === rows.length ? `${number} releases` : `${number} of ${rows.length} releases`;
    all("table").forEach(settle);
  }

  search.addEventListener("input", filter);
  fold.addEventListener("change", filter);
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
      filter();
    });
  }
  by("reset").addEventListener("click", () => {
    search.value = "";
    chips.forEach((chip) => chip.setAttribute("aria-pressed", "false"));
    filter();
    search.focus();
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, [popover]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  });

  // A table is one stop of the Tab key; arrow keys move inside.
  const stop = (button, table) => {
    for (const other of all('button[tabindex="0"]', table)) other.tabIndex = -1;
    button.tabIndex = 0;
  };
  function settle(table) {
    const now = table.querySelector('button[tabindex="0"]');
    if (now && now.checkVisibility()) return;
    const first = all("td button", table).find((button) => button.checkVisibility());
    if (first) stop(first, table);
  }
  for (const table of all("table")) {
    for (const button of all("td button", table)) button.tabIndex = -1;
    table.addEventListener("focusin", (event) => {
      if (event.target.matches("td button")) stop(event.target, table);
    });
    table.addEventListener("keydown", (event) => {
      const cell = event.target.closest("td");
      if (!cell || event.altKey || event.ctrlKey || event.metaKey) return;
      const row = cell.parentElement;
      const buttons = all("button", row);
      const at = buttons.indexOf(event.target);
      const down = (step) => {
        const visible = all("tr[data-verdict]", table).filter((other) => other.checkVisibility());
        for (let to = visible.indexOf(row) + step; visible[to]; to += step) {
          const button = visible[to].cells[cell.cellIndex].querySelector("button");
          if (button) return button;
        }
      };
      const moves = {
        ArrowRight: () => buttons[at + 1],
        ArrowLeft: () => buttons[at - 1],
        Home: () => buttons[0],
        End: () => buttons.at(-1),
        ArrowDown: () => down(1),
        ArrowUp: () => down(-1),
      };
      const target = moves[event.key]?.();
      if (target) {
        event.preventDefault();
        target.focus();
      }
    });
  }

  // A card serves many cells: it names the release that it was opened from.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("td button[popovertarget]");
    const here = button && by(button.getAttribute("popovertarget")).querySelector(".here");
    if (!here) return;
    here.textContent = button.closest("tr").querySelector(".version").textContent;
    here.hidden = false;
  }, true);
  for (const card of all("[popover]")) {
    card.addEventListener("toggle", (event) => {
      if (event.newState === "open") card.focus({ preventScroll: true });
    });
  }

  const measure = () => {
    const sticky = getComputedStyle(bar).position === "sticky";
    document.documentElement.style.setProperty("--bar", sticky ? `${bar.offsetHeight - 1}px` : "0px");
  };
  bar.hidden = false;
  document.querySelector(".keys").hidden = false;
  addEventListener("resize", measure);
  measure();
  filter();
})();
