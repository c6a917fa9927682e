// A box that offers records while one types (portal/forms.py, NamedInput). Without script it is a plain input with a
// short <datalist>; here it becomes a combobox that asks the server (WAI-ARIA: list autocomplete, manual selection).
(() => {
  const WAIT = 150; // ms after the last key
  let made = 0;

  const element = (name, attributes, text) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  };

  const enhance = input => {
    input.dataset.made = "";
    input.removeAttribute("list");
    const id = `combo-${++made}`;
    const box = element("div", { class: "combo" });
    const list = element("ul", { id, role: "listbox", "aria-label": input.labels?.[0]?.textContent.trim() || "Offers" });
    const said = element("div", { class: "visually-hidden", role: "status" });
    list.hidden = true;
    input.before(box);
    box.append(input, list, said);
    for (const [key, value] of Object.entries({ role: "combobox", autocomplete: "off", "aria-expanded": "false",
                                                "aria-controls": id, "aria-autocomplete": "list" }))
      input.setAttribute(key, value);

    let timer, asked = 0, active = -1;
    const options = () => [...list.querySelectorAll('[role="option"]')];

    const mark = place => {
      const all = options();
      active = all.length ? (place + all.length) % all.length : -1;
      all.forEach((option, i) => option.setAttribute("aria-selected", i === active));
      if (active < 0) input.removeAttribute("aria-activedescendant");
      else {
        input.setAttribute("aria-activedescendant", all[active].id);
        all[active].scrollIntoView({ block: "nearest" });
      }
    };
    const close = () => {
      clearTimeout(timer);
      asked += 1; // an answer on its way opens nothing any more
      list.hidden = true;
      active = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    };
    const choose = option => {
      input.value = option.dataset.value;
      close();
      input.dispatchEvent(new Event("change", { bubbles: true }));
    };
    const show = ({ offers, more }) => {
      list.replaceChildren(...offers.map((offer, i) => {
        const option = element("li", { id: `${id}-${i}`, role: "option", "aria-selected": "false",
                                       "data-value": offer.value });
        option.append(element("span", {}, offer.label), element("span", { class: "qq" }, offer.detail));
        return option;
      }));
      if (!offers.length) list.append(element("li", { class: "qq", role: "presentation" }, "Nothing matches"));
      else if (more) list.append(element("li", { class: "qq", role: "presentation" }, "Type more letters for others"));
      active = -1;
      list.hidden = false;
      input.setAttribute("aria-expanded", "true");
      const count = offers.length === 1 ? "1 offer" : `${offers.length}${more ? " or more" : ""} offers`;
      said.textContent = offers.length ? count : "Nothing matches";
    };
    const ask = async () => {
      const own = ++asked;
      try {
        const answer = await fetch(`${input.dataset.find}?${new URLSearchParams({ q: input.value })}`,
                                   { headers: { Accept: "application/json" } });
        if (answer.ok && !answer.redirected && own === asked) show(await answer.json());
      } catch {
        close(); // what is typed is still read by its form
      }
    };

    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(ask, WAIT);
    });
    input.addEventListener("click", () => list.hidden && ask());
    input.addEventListener("keydown", event => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        const step = event.key === "ArrowDown" ? 1 : -1;
        if (list.hidden) ask();
        else mark(active < 0 && step < 0 ? -1 : active + step);
      } else if (event.key === "Enter" && !list.hidden && active >= 0) {
        event.preventDefault();
        choose(options()[active]);
      } else if (event.key === "Escape" && !list.hidden) {
        event.stopPropagation();
        close();
      }
    });
    input.addEventListener("blur", close);
    list.addEventListener("mousedown", event => event.preventDefault()); // the box keeps the focus
    list.addEventListener("click", event => {
      const option = event.target.closest('[role="option"]');
      if (option) choose(option);
    });
  };

  const enhanceNew = () => document.querySelectorAll("input[data-find]:not([data-made])").forEach(enhance);
  document.addEventListener("DOMContentLoaded", enhanceNew);
  document.addEventListener("htmx:afterSettle", enhanceNew);
})();
