"use strict";
// The table of changes. They are compressed in blocks, which are unpacked one after another, and drawn a page at a time. Values only ever
// become text nodes.
(() => {
  const PAGE = 100;
  const LONG = 300;
  const [SOURCE, LINE, CUSTOMER, KEY, OP, FIELD, OLD, NEW, STATUS] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const find = (id) => document.getElementById(id);
  const section = find("changes");
  if (!section) return;
  const sources = JSON.parse(find("sources").textContent);
  const link = section.dataset.link;
  const total = Number(section.dataset.count);
  const rows = [];
  const texts = [];
  let shown = [];
  let page = 0;
  let isComplete = false;

  async function unpacked(base64) {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  function element(name, text, kind) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  }

  function value(text, kind) {
    if (text === null) return element("span", kind === "old" ? "no value" : "none", "none");
    const shownText = element("bdi", text, kind);
    if (text.length <= LONG) return shownText;
    const details = element("details");
    details.append(element("summary", text.slice(0, LONG) + "… (" + text.length.toLocaleString("en") + " characters)"), shownText);
    return details;
  }

  function customer(row) {
    const cell = element("td");
    cell.append(element("bdi", row[KEY]));
    if (row[CUSTOMER] === null) return cell;
    const id = "customer " + row[CUSTOMER];
    if (row[KEY]) cell.append(element("br"));
    if (link) {
      const anchor = element("a", id);
      anchor.href = link.replace("{id}", encodeURIComponent(row[CUSTOMER]));
      anchor.rel = "noopener noreferrer";
      anchor.target = "_blank";
      cell.append(anchor);
    } else {
      cell.append(element("span", id, "soft"));
    }
    return cell;
  }

  function isSameCustomer(row, other) {
    return other !== undefined && [SOURCE, LINE, CUSTOMER, KEY].every((part) => row[part] === other[part]);
  }

  // Changes of one customer that follow one another share the cells of place and customer.
  function drawn(part) {
    const lines = [];
    let shared = [];
    part.forEach((index, at) => {
      const row = rows[index];
      const line = element("tr");
      if (isSameCustomer(row, rows[part[at - 1]])) {
        for (const cell of shared) cell.rowSpan += 1;
      } else {
        const name = sources.length > 1 ? sources[row[SOURCE]] + ":" : "line ";
        shared = [element("td", name + row[LINE]), customer(row)];
        line.append(...shared);
        line.className = "first";
      }
      addChange(line, row);
      lines.push(line);
    });
    return lines;
  }

  function addChange(line, row) {
    const field = element("td", undefined, "field");
    field.append(element("bdi", row[FIELD]));
    const how = row[STATUS] ? row[OP] + ", " + row[STATUS].replace("_", " ") : row[OP];
    line.append(element("td", how, "how"), field);
    const change = element("td");
    if (section.dataset.values === "none") {
      change.append(element("span", "not in this page", "none"));
    } else if (row[OLD] !== null && row[NEW] !== null) {
      change.append(value(row[OLD], "old"), " → ", value(row[NEW], "new"));
    } else if (row[NEW] !== null) {
      change.append("+ ", value(row[NEW], "new"));
    } else {
      change.append("− ", value(row[OLD], "old"));
    }
    line.append(change);
  }

  function draw() {
    const pages = Math.max(1, Math.ceil(shown.length / PAGE));
    page = Math.min(Math.max(page, 0), pages - 1);
    const part = shown.slice(page * PAGE, (page + 1) * PAGE);
    find("rows").replaceChildren(...drawn(part));
    const count = (n) => n.toLocaleString("en");
    const some = shown.length === rows.length ? "" : " of " + count(rows.length);
    const loading = isComplete ? "" : ", reading " + count(total) + " …";
    find("state").textContent = count(shown.length) + some + (total === 1 ? " change" : " changes") + loading;
    find("page").textContent = "page " + count(page + 1) + " of " + count(pages);
    find("first").disabled = find("previous").disabled = page === 0;
    find("last").disabled = find("next").disabled = page === pages - 1;
  }

  function filter() {
    const words = find("search").value.toLowerCase().split(/\s+/).filter((word) => word);
    const [op, field, status] = ["op", "field", "status"].map((id) => (find(id) ? find(id).value : ""));
    shown = [];
    for (let index = 0; index < rows.length; index += 1) {
      const row = rows[index];
      if ((op && row[OP] !== op) || (field && row[FIELD] !== field) || (status && row[STATUS] !== status)) continue;
      if (words.every((word) => texts[index].includes(word))) shown.push(index);
    }
    draw();
  }

  function add(block) {
    for (const row of block) {
      rows.push(row);
      const place = sources[row[SOURCE]] + ":" + row[LINE];
      texts.push([place, row[CUSTOMER], row[KEY], row[FIELD], row[OLD], row[NEW]].join("\n").toLowerCase());
    }
  }

  function go(to) {
    page = to;
    draw();
    find("top").scrollIntoView({ block: "nearest" });
  }

  async function start() {
    const blocks = document.querySelectorAll("script.block");
    for (const [index, block] of blocks.entries()) {
      add(await unpacked(block.textContent));
      block.remove();
      isComplete = index === blocks.length - 1;
      if (index === 0 || isComplete) filter();
      if (index === 0) performance.mark("first-rows");
      // A pause, in which the page answers its reader.
      await new Promise((resume) => setTimeout(resume));
    }
    document.documentElement.dataset.ready = "true";
  }

  let waiting;
  const later = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      page = 0;
      filter();
    }, 120);
  };
  find("search").addEventListener("input", later);
  for (const id of ["op", "field", "status"]) {
    if (find(id)) find(id).addEventListener("change", later);
  }
  find("first").addEventListener("click", () => go(0));
  find("previous").addEventListener("click", () => go(page - 1));
  find("next").addEventListener("click", () => go(page + 1));
  find("last").addEventListener("click", () => go(Infinity));
  start().catch((error) => {
    find("state").textContent = "This browser cannot unpack the changes (" + error + "). `--changes FILE.csv` writes them as a table.";
  });
})();
