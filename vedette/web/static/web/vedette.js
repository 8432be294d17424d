/* What makes the pages quicker. Every page works without it. */
(() => {
  "use strict";
  const root = document.documentElement;
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  root.classList.add("scripts");

  /* Times: the visitor's own zone next to UTC; copied as UTC. */
  function localTimes(within) {
    for (const time of all("time[title]", within)) {
      if (time.dataset.local) continue;
      const moment = new Date(time.dateTime);
      if (Number.isNaN(moment.valueOf())) continue;
      time.dataset.local = "1";
      time.title += "\n" + moment.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
    }
  }
  document.addEventListener("copy", (event) => {
    const selection = document.getSelection();
    const node = selection && selection.anchorNode && selection.anchorNode.parentElement;
    const time = node && node.closest("time[datetime]");
    if (!time || !time.contains(selection.focusNode)) return;
    event.clipboardData.setData("text/plain", time.dateTime);
    event.preventDefault();
  });

  /* On a phone the bar may be wider than the screen: where one is comes first. */
  const bar = one(".top nav"), here = bar && one("[aria-current]", bar);
  if (here) bar.scrollLeft = here.offsetLeft - bar.offsetLeft - (bar.clientWidth - here.offsetWidth) / 2;

  /* Copy buttons. */
  async function copy(button) {
    const source = document.getElementById(button.dataset.copy);
    if (!source) return;
    const text = "value" in source ? source.value : source.textContent.trim();
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(source);
      const selection = document.getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      button.textContent = "Selected: press Ctrl+C";
      return;
    }
    const before = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = before; }, 1500);
  }

  /* Rows of the stream. */
  const rows = () => all("[data-row]");
  let current = -1;
  function point(index) {
    const list = rows();
    if (!list.length) return;
    current = Math.max(0, Math.min(index, list.length - 1));
    list.forEach((row, position) => row.classList.toggle("current", position === current));
    const opener = list[current].matches("[data-open]") ? list[current] : one("[data-open]", list[current]);
    opener.focus({ preventScroll: true });
    list[current].scrollIntoView({ block: "nearest" });
  }
  document.addEventListener("focusin", (event) => {
    const row = event.target.closest && event.target.closest("[data-row]");
    if (!row) return;
    current = rows().indexOf(row);
    rows().forEach((other) => other.classList.toggle("current", other === row));
  });
  const scope = () => rows()[current] || one("[data-issue]") || null;
  function press(name) {
    const within = scope();
    const target = within && one(`[data-key="${name}"]`, within);
    if (target) target.click();
  }

  const KEYS = {
    j: () => point(current + 1),
    k: () => point(current - 1),
    o: () => {
      const within = scope();
      const opener = within && (within.matches("[data-open]") ? within : one("[data-open]", within));
      if (opener) opener.click();
    },
    x: () => { const box = scope() && one("input[type=checkbox]", scope()); if (box) box.click(); },
    r: () => press("r"),
    i: () => press("i"),
    a: () => press("a"),
    m: () => press("m"),
    u: () => {
      const undo = (scope() && one('[data-key="u"]', scope())) || one('#said [data-key="u"]');
      if (undo) undo.click();
    },
    h: () => { const link = one('[data-key="h"]'); if (link && link.href) link.click(); },
    l: () => { const link = one('[data-key="l"]'); if (link && link.href) link.click(); },
    "/": () => { const box = one("[data-search]"); if (box) { box.focus(); box.select(); } else { location.href = one("[data-stream]").href; } },
    "?": () => { const help = one("#help"); if (help && !help.open) help.showModal(); },
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const typing = event.target.closest && event.target.closest("input:not([type=checkbox]), select, textarea, [contenteditable]");
    if (event.key === "Escape" && typing) { typing.blur(); return; }
    if (event.key === "Escape") for (const menu of all("details.menu[open]")) { menu.open = false; one("summary", menu).focus(); }
    if (typing || one("dialog[open]")) return;
    const action = KEYS[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });

  /* Clicks that need no request. */
  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-copy], [data-close], [data-dismiss], [data-dialog], [data-theme-choice]");
    for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
    if (!target) return;
    if (target.dataset.copy) copy(target);
    if ("dismiss" in target.dataset) target.closest(".notice").remove();
    if ("close" in target.dataset) { event.preventDefault(); target.closest("dialog").close(); }
    if (target.dataset.dialog) { event.preventDefault(); one(target.dataset.dialog).showModal(); }
    if (target.dataset.themeChoice !== undefined) {
      event.preventDefault();
      const choice = target.dataset.themeChoice;
      if (choice) root.dataset.theme = choice; else delete root.dataset.theme;
      document.cookie = `theme=${choice}; path=/; max-age=${choice ? 31536000 : 0}; samesite=lax`;
      target.closest("details").open = false;
    }
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
    if (event.target.matches("[data-pick-all]")) {
      for (const box of all("[data-row] input[type=checkbox]")) box.checked = event.target.checked;
    }
    if (event.target.matches("[data-pick-all], [data-row] input")) {
      const count = all("[data-row] input:checked").length;
      const said = one("[data-picked]");
      if (said) said.textContent = count ? `${count} selected` : "";
    }
  });
  document.addEventListener("submit", (event) => {
    const question = (event.submitter && event.submitter.dataset.confirm) || event.target.dataset.confirm;
    if (question && !window.confirm(question)) event.preventDefault();
  }, true);

  /* htmx looks for the pressed button inside of the form; ours may stand elsewhere and name the form. */
  document.addEventListener("htmx:configRequest", (event) => {
    const trigger = event.detail.triggeringEvent;
    const button = trigger && trigger.submitter;
    if (button && button.name) event.detail.parameters[button.name] = button.value;
  });

  /* htmx: a fragment for the dialog opens it; after an answer the dialog closes; failures are said. */
  document.addEventListener("htmx:afterSwap", (event) => {
    localTimes(document);
    if (event.target.id === "dialog" && !event.target.open) {
      for (const menu of all("details.menu[open]")) menu.open = false;
      event.target.showModal();
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const dialog = one("#dialog");
    if (event.detail.successful && event.detail.requestConfig.verb === "post" && dialog && dialog.open) dialog.close();
  });
  const FAILURES = {
    "htmx:sendError": "That did not reach the server. Nothing was changed; try again.",
    "htmx:timeout": "The server does not answer. Reload the page to see whether it was done.",
    "htmx:responseError": "The server refused that, and nothing was changed. Reload the page and try again.",
  };
  for (const [name, sentence] of Object.entries(FAILURES)) {
    document.addEventListener(name, () => {
      const notice = document.createElement("p");
      notice.className = "notice error";
      notice.textContent = sentence;
      one("#said").replaceChildren(notice);
    });
  }

  localTimes(document);
})();
