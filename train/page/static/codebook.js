// The editor of codebooks. It holds the content of the codebook and sends it to the server after each change; the server
// checks and renders it, and turns drags and keys on the face into parameters.

import { listenToStage } from "./stage.js";

const editor = document.querySelector("#editor");
const stage = document.querySelector("#stage");
const { base, codebook } = editor.dataset;

let content = JSON.parse(editor.dataset.content);
let { expression, region } = editor.dataset;
let face = document.querySelector("[name=face]:checked").value;
let saved = JSON.stringify(content);
const history = [];
const jobs = [];
let working = false;

const at = (selector) => document.querySelector(selector);
const copy = (value) => JSON.parse(JSON.stringify(value));

// ---- asking the server: one request at a time; of the moves of one drag only the last waits

function ask(job) {
  if (job.move && jobs.at(-1)?.move) jobs.pop();
  jobs.push(job);
  if (!working) work();
}

async function work() {
  working = true;
  editor.setAttribute("aria-busy", "true");
  while (jobs.length) {
    const { move, from, keep, ...change } = jobs.shift();
    if (keep) remember();
    const body = JSON.stringify({ content: from ?? content, codebook, face, expression, region, ...change });
    try {
      const response = await fetch(`${base}/codebook/render`, { method: "POST", body });
      if (!response.ok) throw new Error(await response.text());
      show(await response.json(), Boolean(change.gesture || change.unit));
    } catch (error) {
      listMistakes([{ place: [], message: `${error.message}. Is aucue serve still running?` }]);
    }
  }
  working = false;
  editor.setAttribute("aria-busy", "false");
}

function show(answer, changed) {
  if (changed) content = answer.content;
  listMistakes(answer.mistakes);
  if (answer.mistakes.length) return;
  ({ expression, region } = answer);
  const focused = document.activeElement?.id;
  if (answer.panels) at("#panels").innerHTML = answer.panels;
  if (answer.gallery) at("#gallery").innerHTML = `<legend>Expressions</legend>${answer.gallery}`;
  at("#drawing").innerHTML = answer.drawing;
  if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus({ preventScroll: true });
  for (const [name, map] of Object.entries(answer.maps)) showMap(name, map);
  at("#notice").hidden = !answer.notice;
  at("#notice").textContent = answer.notice;
  at("#changes").replaceChildren(...lines(answer.differences.length ? answer.differences : ["Nothing yet."]));
  at("#time").textContent = `rendered in ${answer.milliseconds} ms`;
  at("#undo").disabled = !history.length;
}

function showMap(name, map) {
  const image = at(`img[data-expression="${CSS.escape(name)}"]`);
  image.hidden = !map;
  image.nextElementSibling.hidden = Boolean(map);
  if (map) image.src = map; else image.removeAttribute("src");
  if (name === expression) {
    if (map) at("#map").setAttribute("href", map); else at("#map").removeAttribute("href");
  }
}

function lines(texts) {
  return texts.map((text) => Object.assign(document.createElement("li"), { textContent: text }));
}

// ---- mistakes: in a list, and beside the field that they belong to

function listMistakes(mistakes) {
  for (const old of document.querySelectorAll(".mistake")) old.remove();
  for (const field of document.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  editor.classList.toggle("stale", mistakes.length > 0);
  const list = at("#mistakes");
  list.hidden = !mistakes.length;
  list.replaceChildren(...lines(mistakes.map((mistake) => mistake.message)));
  for (const { place, message } of mistakes) {
    const field = fieldOf(place);
    if (!field) continue;
    field.setAttribute("aria-invalid", "true");
    const note = Object.assign(document.createElement("p"), { className: "mistake", textContent: message });
    const row = field.closest(".field, .tick");
    if (row) row.after(note); else field.append(note);
  }
}

// The field of a place, else the first field inside it, else the innermost field around it.
function fieldOf(place) {
  let best = null, score = 0;
  for (const field of document.querySelectorAll("#panels [data-place]")) {
    const own = JSON.parse(field.dataset.place).map(String);
    const common = own.findIndex((step, index) => step !== place[index]);
    const shared = common < 0 ? own.length : common;
    if ((shared === own.length || shared === place.length) && shared > score) [best, score] = [field, shared];
  }
  return best;
}

// ---- changes of the content

function remember(before = content) {
  history.push(JSON.stringify(before));
  at("#undo").disabled = false;
}

function edit(change, panels) {
  const before = copy(content);
  change(content);
  remember(before);
  ask({ panels });
}

function setAt(target, place, value) {
  const inner = place.slice(0, -1).reduce((node, step) => (node[step] ??= {}), target);
  if (value === null) delete inner[place.at(-1)]; else inner[place.at(-1)] = value;
}

function unitsOf(target) {
  const units = target.expressions[expression];
  return Array.isArray(units) ? units : [];
}

const keyOf = (key) => (/^\d+$/.test(key) ? Number(key) : key);
const entryOf = (key, weight) => (weight === 1 ? keyOf(key) : { au: keyOf(key), weight });
const weightOf = (entry) => entry?.weight ?? 1;
const auOf = (entry) => String(entry?.au ?? entry);

function setUnits(change) {
  edit((target) => {
    const units = change([...unitsOf(target)]);
    target.expressions[expression] = units.length ? units : "none";
  }, true);
}

function parseLandmarks(text) {
  const parts = text.split(/[\s,]+/).filter(Boolean);
  return parts.length && parts.every((part) => /^\d+$/.test(part)) ? parts.map(Number) : text;
}

const FIELDS = {
  number: (field) => field.value !== "" && { value: Number(field.value) },
  landmarks: (field) => ({ value: parseLandmarks(field.value) }),
  text: (field) => ({ value: field.value }),
  bool: (field) => ({ value: field.checked || null, panels: true }),
  choice: (field) => ({ value: JSON.parse(field.value), panels: true }),
};

const CHOICES = {
  "unit": (field) => ask({ unit: { place: JSON.parse(field.dataset.place), unit: field.value }, keep: true, panels: true }),
  "unit-shown": (field) => setUnits((units) => {
    if (field.checked) return [...units, keyOf(field.dataset.key)];
    return units.filter((_, index) => index !== Number(field.dataset.index));
  }),
  "unit-side": (field) => setUnits((units) => units.with(field.dataset.index, entryOf(field.value, weightOf(units[field.dataset.index])))),
  "region": (field) => { region = field.value; ask({ panels: true }); },
};

const NEW_SHAPES = {
  ellipse: { centre: [30], rx: { iod: 0.2 }, ry: { iod: 0.2 }, rotation: "face" },
  polygon: { through: [27, 31, 35], dilate: { iod: 0.1 } },
  gaussian: { at: [30], sigma: { iod: 0.15 } },
};

const BUTTONS = {
  "choose-region": (button) => { region = button.value; ask({ panels: true }); },
  "add-shape": ({ value }) => edit((target) => target.regions[region].shapes.push({ [value]: copy(NEW_SHAPES[value]) }), true),
  "remove-shape": ({ value }) => edit((target) => target.regions[region].shapes.splice(Number(value), 1), true),
  "add-expression": () => {
    const name = at("#new-expression").value.trim();
    if (!name || name in content.expressions) return at("#new-expression").focus();
    expression = name;
    edit((target) => { target.expressions[name] = "none"; }, true);
  },
  "remove-expression": () => edit((target) => { delete target.expressions[expression]; }, true),
  "add-region": () => {
    const key = at("#new-region").value.trim(), name = at("#new-region-name").value.trim();
    if (!key || !name || key in content.regions) return at(key && !(key in content.regions) ? "#new-region-name" : "#new-region").focus();
    region = key;
    edit((target) => { target.regions[key] = { name, shapes: [{ ellipse: copy(NEW_SHAPES.ellipse) }] }; }, true);
  },
};

editor.addEventListener("input", ({ target }) => {
  const { kind, place, index } = target.dataset;
  if (kind === "unit-weight" && target.value) {
    edit((book) => { unitsOf(book)[index] = entryOf(auOf(unitsOf(book)[index]), Number(target.value)); }, false);
  } else if (FIELDS[kind]) {
    const result = FIELDS[kind](target);
    if (result) edit((book) => setAt(book, JSON.parse(place), result.value), result.panels);
  }
});

editor.addEventListener("change", ({ target }) => {
  if (target.name === "face") {
    face = target.value;
    at("#face").setAttribute("href", `${base}/codebook/faces/${face}.png`);
    ask({ panels: true });
  } else if (target.name === "expression") {
    expression = target.value;
    region = "";
    ask({ panels: true });
  } else if (target.id === "show-map") {
    at("#map").toggleAttribute("hidden", !target.checked);
  } else {
    CHOICES[target.dataset.kind]?.(target);
  }
});

editor.addEventListener("click", ({ target }) => {
  const button = target.closest("button[data-kind]");
  if (button) BUTTONS[button.dataset.kind](button);
});

at("#undo").addEventListener("click", () => {
  content = JSON.parse(history.pop());
  ask({ panels: true });
});

listenToStage(stage, { ask, remember, choose: (key) => { region = key; }, current: () => copy(content) });

// ---- saving

const form = at("#save");
form.addEventListener("submit", () => { form.elements.content.value = JSON.stringify(content); saved = form.elements.content.value; });
at("#save-button").addEventListener("click", async () => {
  form.elements.content.value = JSON.stringify(content);
  const response = await fetch(`${base}/codebook/save`, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  const text = await response.text();
  at("#saved").hidden = true;
  at("#save-refusal").hidden = response.ok;
  at("#save-refusal").textContent = response.ok ? "" : text;
  if (!response.ok) return;
  const answer = JSON.parse(text);
  saved = form.elements.content.value;
  at("#saved-path").textContent = answer.path;
  at("#saved-command").textContent = answer.command;
  at("#saved-open").href = `${base}/codebook?codebook=${encodeURIComponent(answer.codebook)}`;
  at("#saved").hidden = false;
});

addEventListener("beforeunload", (event) => {
  if (JSON.stringify(content) !== saved) event.preventDefault();
});

ask({ panels: false });
