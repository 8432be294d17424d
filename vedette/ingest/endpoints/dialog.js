function (chosen) {
  "use strict";
  var CLOSED = "__sentry_reportdialog_closed__";
  var STYLE =
    ":host { all: initial }" +
    "dialog { box-sizing: border-box; width: min(34rem, calc(100vw - 2rem)); max-height: calc(100vh - 2rem); overflow: auto;" +
    " padding: 1.5rem; border: 1px solid light-dark(#8a857a, #6f7882); border-radius: 8px; color-scheme: light dark;" +
    " font: 16px/1.5 system-ui, sans-serif; color: light-dark(#1c2126, #e6e4df); background: light-dark(#ffffff, #1b1f23) }" +
    "dialog::backdrop { background: rgb(0 0 0 / .5) }" +
    "form { margin: 0 }" +
    "h2 { margin: 0; font-size: 1.35rem; line-height: 1.3 }" +
    "p { margin: .25rem 0 1rem; color: light-dark(#5a626b, #a2a9b1) }" +
    "p.wrong, p.done { margin: 0 0 1rem; padding: .5rem .75rem; border: 1px solid; border-radius: 6px }" +
    "p.wrong, .wrong { color: light-dark(#b3261e, #ff8a80) } p.done { color: light-dark(#0b6466, #6cc7c3) }" +
    "label { display: block; margin: 0 0 .75rem; font-weight: 600 }" +
    "label span { display: block; font-weight: 400; font-size: .875rem }" +
    "input, textarea { display: block; box-sizing: border-box; width: 100%; margin-top: .25rem; padding: .5rem; font: inherit;" +
    " font-weight: 400; color: inherit; background: light-dark(#fbfaf7, #14171a); border-radius: 6px;" +
    " border: 1px solid light-dark(#8a857a, #6f7882) }" +
    "textarea { min-height: 7rem; resize: vertical }" +
    "div { display: flex; flex-wrap: wrap; gap: .5rem; justify-content: flex-end }" +
    "button { padding: .5rem 1rem; font: inherit; color: inherit; background: transparent; cursor: pointer; border-radius: 6px;" +
    " border: 1px solid light-dark(#8a857a, #6f7882) }" +
    "button.main { color: light-dark(#ffffff, #14171a); background: light-dark(#0b6466, #6cc7c3); border-color: transparent }" +
    "button:disabled { opacity: .6; cursor: default }" +
    ":focus-visible { outline: 3px solid light-dark(#0b6466, #6cc7c3); outline-offset: 2px }";

  var texts = chosen.texts;
  var target = document.currentScript && document.currentScript.src;
  if (!target) return;

  function make(name, into, text, attributes) {
    var made = document.createElement(name);
    if (text) made.textContent = text;
    for (var key in attributes || {}) made.setAttribute(key, attributes[key]);
    into.appendChild(made);
    return made;
  }

  function field(form, name, tag, label, attributes) {
    var holder = make("label", form, label);
    var input = make(tag, holder, "", attributes);
    input.name = name;
    input.required = true;
    input.value = chosen.values[name] || "";
    return input;
  }

  // Within a shadow tree the page's style does not reach the dialog, and a strict policy of the page allows its style.
  function dress(root) {
    try {
      var sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
    } catch (error) {
      make("style", root, STYLE);
    }
  }

  function open() {
    var host = make("div", document.body, "", { "data-crash-report-dialog": "" });
    var root = host.attachShadow({ mode: "open" });
    dress(root);
    var dialog = make("dialog", root, "", { "aria-labelledby": "title" });
    var form = make("form", dialog);
    make("h2", form, texts.title, { id: "title" });
    var intro = make("p", form, (texts.subtitle + " " + texts.subtitle2).trim());
    var status = make("p", form, "", { role: "alert", hidden: "" });
    var inputs = {
      name: field(form, "name", "input", texts.labelName, { autocomplete: "name", maxlength: 128 }),
      email: field(form, "email", "input", texts.labelEmail, { type: "email", autocomplete: "email", maxlength: 75 }),
      comments: field(form, "comments", "textarea", texts.labelComments, { maxlength: 4096 }),
    };
    var buttons = make("div", form);
    var close = make("button", buttons, texts.labelClose, { type: "button" });
    var submit = make("button", buttons, texts.labelSubmit, { type: "submit", "class": "main" });

    function say(kind, text) {
      status.className = kind;
      status.textContent = text;
      status.hidden = false;
    }

    function mark(errors) {
      for (var name in inputs) {
        var label = inputs[name].parentNode;
        label.querySelectorAll("span").forEach(function (old) { old.remove(); });
        inputs[name].removeAttribute("aria-invalid");
        if (!errors[name]) continue;
        inputs[name].setAttribute("aria-invalid", "true");
        make("span", label, errors[name].join(" "), { "class": "wrong" });
      }
    }

    function sent() {
      say("done", texts.successMessage);
      intro.hidden = true;
      submit.remove();
      for (var name in inputs) inputs[name].parentNode.remove();
      close.focus();
    }

    close.addEventListener("click", function () { dialog.close(); });
    dialog.addEventListener("close", function () {
      host.remove();
      window.postMessage(CLOSED, "*");
    });
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      submit.disabled = true;
      var body = new URLSearchParams();
      for (var name in inputs) body.set(name, inputs[name].value);
      fetch(target, { method: "POST", body: body, headers: { Accept: "application/json" }, credentials: "omit" })
        .then(function (answer) {
          if (answer.ok) return sent();
          return answer.json().then(function (told) {
            mark(told.errors || {});
            say("wrong", told.errors ? texts.errorFormEntry : texts.errorGeneric);
          });
        })
        .catch(function () { say("wrong", texts.errorGeneric); })
        .then(function () { submit.disabled = false; });
    });

    dialog.showModal();
    (inputs.name.value ? inputs.email.value ? inputs.comments : inputs.email : inputs.name).focus();
  }

  if (document.body) open();
  else document.addEventListener("DOMContentLoaded", open);
}
