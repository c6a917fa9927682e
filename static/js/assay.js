// What pages need of script: theme, search key, copying, rows that open their record, and htmx's manners.
// Nothing here is needed to read a page or to do its main act.
(() => {
  const find = selector => document.querySelector(selector);

  // ---- said aloud: one live region for what happens without a visible change ----
  const say = words => {
    const region = find("#said");
    if (!region) return;
    region.textContent = "";
    setTimeout(() => { region.textContent = words; }, 50); // a changed text is read, an equal one is not
  };

  // ---- theme: pressed state of the three buttons; theme.js does the painting ----
  const markTheme = () => document.querySelectorAll("[data-choose-theme]").forEach(button =>
    button.setAttribute("aria-pressed", button.dataset.chooseTheme === document.documentElement.dataset.theme));

  const chooseTheme = button => {
    document.dispatchEvent(new CustomEvent("assay:choose-theme", { detail: button.dataset.chooseTheme }));
    markTheme();
    say(`Theme: ${button.textContent.trim()}`);
  };

  // ---- copying a digest; the clipboard needs https or localhost, so there is an older way too ----
  const copyOldWay = text => {
    const box = document.createElement("textarea");
    box.value = text;
    document.body.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    return done ? Promise.resolve() : Promise.reject(new Error("the browser refused to copy"));
  };
  const copy = button => {
    const text = button.dataset.copy;
    const written = navigator.clipboard ? navigator.clipboard.writeText(text) : copyOldWay(text);
    written.then(() => {
      button.dataset.copied = "";
      say("Copied");
      setTimeout(() => delete button.dataset.copied, 1200);
    }, () => say("The browser refused to copy. Select the text and copy it by keyboard."));
  };

  // ---- a click on a row opens the record that its name links to ----
  const CONTROLS = "a,button,input,label,select,summary,details,textarea,[contenteditable]";
  const openRow = event => {
    const row = event.target.closest(".t.go tbody tr");
    if (!row || event.target.closest(CONTROLS) || String(getSelection())) return;
    const link = row.querySelector("a.name");
    if (!link) return;
    if (event.ctrlKey || event.metaKey || event.button === 1) open(link.href, "_blank", "noopener");
    else link.click();
  };

  const closePops = except => document.querySelectorAll("details.pop[open]").forEach(pop => {
    if (!except || !pop.contains(except)) pop.open = false;
  });

  document.addEventListener("click", event => {
    closePops(event.target);
    const theme = event.target.closest("[data-choose-theme]");
    const digest = event.target.closest("[data-copy]");
    if (theme) chooseTheme(theme);
    else if (digest) copy(digest);
    else openRow(event);
  });
  document.addEventListener("auxclick", event => event.button === 1 && openRow(event));
  document.addEventListener("keydown", event => {
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "k") {
      const box = find("#find");
      if (!box) return;
      event.preventDefault();
      box.focus();
      box.select();
    }
    if (event.key === "Escape") {
      const pop = event.target.closest?.("details.pop[open]");
      closePops();
      pop?.querySelector("summary").focus();
    }
  });
  document.addEventListener("DOMContentLoaded", () => {
    markTheme();
    document.querySelectorAll("[data-some]").forEach(box => { box.indeterminate = true; });
  });

  // ---- boxes that scroll sideways are stops of the keyboard, those that do not are none ----
  const settleBoxes = () => document.querySelectorAll(".tbox,.chart-box,.frame-box").forEach(box => {
    if (!box.dataset.label && !box.hasAttribute("tabindex")) return;
    box.dataset.label ||= box.getAttribute("aria-label");
    const scrolls = box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1;
    if (scrolls) {
      box.tabIndex = 0;
      box.setAttribute("role", "region");
      box.setAttribute("aria-label", box.dataset.label);
    } else ["tabindex", "role", "aria-label"].forEach(name => box.removeAttribute(name));
  });
  addEventListener("load", settleBoxes);
  addEventListener("resize", settleBoxes);
  document.addEventListener("toggle", settleBoxes, true); // a table that was asked for
  document.addEventListener("htmx:afterSettle", settleBoxes);

  // ---- htmx ----
  // htmx itself leaves 4xx and 5xx answers unseen; the htmx-config in parts/document.html swaps them, and a
  // refusal goes to #notes, so that the form it answers keeps what was typed.
  const showNote = words => {
    const notes = find("#notes");
    if (!notes) return;
    const note = document.createElement("div");
    note.className = "note breach";
    note.id = "refusal";
    note.tabIndex = -1;
    note.append(Object.assign(document.createElement("div"), { textContent: words }));
    notes.replaceChildren(note);
    note.scrollIntoView({ block: "nearest" });
  };

  let focusWasInside = false;
  document.addEventListener("htmx:beforeSwap", event => {
    const detail = event.detail;
    const text = detail.serverResponse || "";
    if (text.includes('id="sign-in"')) { // the session ended while the page was open
      detail.shouldSwap = false;
      location.reload();
      return;
    }
    const refused = detail.xhr.status >= 400;
    if (refused && text.includes('id="refusal"') && !detail.xhr.getResponseHeader("HX-Retarget")) {
      detail.shouldSwap = true;
      detail.ignoreTitle = true;
      detail.serverResponse = text.replace(/<style[^]*?<\/style>/g, ""); // its nonce is not this page's
      detail.target = find("#notes");
      detail.selectOverride = "#refusal";
      detail.swapOverride = "innerHTML";
    } else if (refused && !text.trim()) {
      detail.shouldSwap = false;
      showNote(`The portal refused this (${detail.xhr.status}) without saying why. Reload the page and try again.`);
    }
    focusWasInside = detail.target.contains(document.activeElement) && document.activeElement !== document.body;
  });
  document.addEventListener("htmx:afterSettle", event => {
    const refusal = event.target.closest?.("#notes")?.querySelector("#refusal");
    const lost = focusWasInside && (!document.activeElement || document.activeElement === document.body);
    const place = refusal || (lost && (event.target.querySelector("[data-focus],h1,h2,h3") || event.target));
    focusWasInside = false;
    if (!place || !place.focus) return;
    if (!place.hasAttribute("tabindex")) place.tabIndex = -1;
    place.focus({ preventScroll: !refusal });
  });
  document.addEventListener("htmx:sendError", () =>
    showNote("The portal did not answer. What you typed is still here; try again in a moment."));
  document.addEventListener("htmx:timeout", () =>
    showNote("The portal took too long to answer. Try again in a moment."));
})();
