"use strict";
(() => {
  const TIME = 5;
  const table = document.querySelector("#checks > table");
  if (!table) return;
  const body = table.tBodies[0];
  const make = (tag, attributes, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (typeof value === "function") element.addEventListener(name, value);
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  };
  const checks = Array.from(body.rows, (row, place) => ({
    row, place, text: null, status: row.className, word: row.cells[0].textContent, group: row.cells[2].textContent,
    tags: Array.from(row.querySelectorAll("i"), (tag) => tag.textContent),
  }));

  // Filters: a text, any of the pressed statuses, a group, a tag
  const search = make("input", {type: "search", placeholder: "Filter by text", "aria-label": "Filter by text", input: filter});
  const told = make("output", {});
  const numbers = new Map();
  for (const check of checks) numbers.set(check.word, (numbers.get(check.word) ?? 0) + 1);
  const words = Array.from(numbers, ([word, number]) =>
    make("button", {type: "button", value: word, "aria-pressed": "false", click: press}, `${word} ${number}`));
  const [group, tag] = [["group", checks.map((check) => check.group)], ["tag", checks.flatMap((check) => check.tags)]].map(
    ([name, values]) => make("select", {"aria-label": `Filter by ${name}`, change: filter}, make("option", {value: ""}, `All ${name}s`),
      ...[...new Set(values)].filter(Boolean).sort().map((value) => make("option", {value: `=${value}`}, value))));

  function press(event) {
    event.currentTarget.setAttribute("aria-pressed", event.currentTarget.getAttribute("aria-pressed") === "false");
    filter();
  }
  function searched(row) {
    const texts = Array.from(row.cells, (cell) => cell.textContent);
    const raw = row.querySelector("pre.raw");
    return (raw ? texts.join("\n").slice(0, -raw.textContent.length) : texts.join("\n")).toLowerCase();
  }
  function filter() {
    const pressed = words.filter((button) => button.getAttribute("aria-pressed") === "true").map((button) => button.value);
    const text = search.value.trim().toLowerCase();
    let number = 0;
    for (const check of checks) {
      const fits = (!pressed.length || pressed.includes(check.word)) && (!group.value || group.value === `=${check.group}`)
        && (!tag.value || check.tags.includes(tag.value.slice(1)))
        && (!text || (check.text ??= searched(check.row)).includes(text));
      check.row.hidden = !fits;
      number += fits;
    }
    told.textContent = `${number} of ${checks.length} shown`;
  }
  const choices = [group, tag].filter((select) => select.options.length > 1);
  table.before(make("div", {class: "tools", role: "search"}, search, ...words, ...choices, told));
  filter();

  // The names in the tables of groups and tags choose that group or tag
  for (const [id, select] of [["groups", group], ["tags", tag]]) {
    for (const head of document.querySelectorAll(`#${id} tbody th`)) {
      const name = head.textContent;
      const choose = () => {
        select.value = `=${name}`;
        filter();
        document.getElementById("checks").scrollIntoView();
      };
      head.replaceChildren(make("button", {type: "button", click: choose}, name));
    }
  }

  // Sorting: a column one way, the other way (slow before fast), and back to the order of the page
  const {compare} = new Intl.Collator(undefined, {numeric: true});
  const heads = Array.from(table.tHead.rows[0].cells).slice(0, TIME + 1);
  heads.forEach((head, column) => {
    head.setAttribute("aria-sort", "none");
    head.replaceChildren(make("button", {type: "button", click: () => sort(head, column)}, head.textContent));
  });
  function sort(head, column) {
    const ways = column === TIME ? ["none", "descending", "ascending"] : ["none", "ascending", "descending"];
    const way = ways[(ways.indexOf(head.getAttribute("aria-sort")) + 1) % 3];
    for (const other of heads) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", way);
    const key = ({row, place}) => {
      if (way === "none" || column === 0) return place;
      return column === TIME ? Number(row.cells[TIME].querySelector("data")?.value ?? -1) : row.cells[column].textContent;
    };
    const keyed = checks.map((check) => [key(check), check]);
    const sign = way === "descending" ? -1 : 1;
    keyed.sort(([a, first], [b, second]) => sign * (typeof a === "number" ? a - b : compare(a, b)) || first.place - second.place);
    const sorted = document.createDocumentFragment();
    for (const [, check] of keyed) sorted.append(check.row);
    body.append(sorted);
  }

  // A link to a check shows it, whatever the filters say
  function reveal() {
    const row = document.getElementById(location.hash.slice(1));
    if (row?.parentNode !== body) return;
    row.hidden = false;
    row.querySelector("details").open = true;
    row.scrollIntoView();
  }
  addEventListener("hashchange", reveal);
  reveal();
})();
