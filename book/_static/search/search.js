// The search page: finds sections, in a script without a server. Words match in all their forms (Porter's stemmer,
// which Sphinx brings), in British and American spelling, and as parts of names in code.
"use strict";

const WORD = /[\p{L}\p{N}_]+/gu;
const SHOWN = 30;
const EXCERPT = 180;
const WEIGHTS = { heading: 10, page: 3, text: 1, code: 0.7 };

const american = word => word
  .replace(/is(e|ed|es|er|ers|ing|ation|ations)$/, "iz$1")
  .replace(/our(s|ed|ing|able)?$/, "or$1")
  .replace(/tre(s|d)?$/, "ter$1");

const stemmer = new Stemmer();
const stems = new Map();

/** The form under which a word is found. */
function stem(word) {
  if (!stems.has(word)) stems.set(word, word.includes("_") ? word : stemmer.stemWord(american(word)));
  return stems.get(word);
}

/** Words of a text with their places; `batchnorm_forward` is itself and its parts. */
function words(text) {
  return [...text.toLowerCase().matchAll(WORD)].flatMap(({ 0: word, index }) => {
    const parts = word.includes("_") ? word.split("_").filter(Boolean) : [];
    return [word, ...parts].map(form => ({ stem: stem(form), index, length: word.length }));
  });
}

/** Everything that can be found: one entry for each section. */
const entries = SECTIONS.pages.flatMap(([address, title, sections]) =>
  sections.map(([anchor, heading, text, code]) => {
    const fields = { heading: words(heading), page: words(title), text: words(text), code: words(code) };
    const counts = Object.entries(fields).map(([field, found]) => {
      const count = new Map();
      found.forEach(({ stem }) => count.set(stem, (count.get(stem) || 0) + 1));
      return [field, count];
    });
    return { address: anchor ? `${address}#${anchor}` : address, title, heading, text, code, fields, counts };
  }));

/** The query, and the query with other names for the same thing. */
function variants(query) {
  const plain = ` ${(query.toLowerCase().match(WORD) || []).join(" ")} `;
  const found = new Set([plain]);
  for (const names of SECTIONS.synonyms) {
    for (const name of names.filter(name => plain.includes(` ${name} `))) {
      names.forEach(other => found.add(plain.replace(` ${name} `, ` ${other} `)));
    }
  }
  return [...found];
}

/** What to look for in each variant: stems without the words that stand everywhere, unless there are no others. */
function terms(variant) {
  const all = variant.match(WORD) || [];
  const telling = all.filter(word => !stopwords.includes(word));
  return [...new Set((telling.length ? telling : all).map(stem))];
}

/** How well a term fits an entry: 0 if it does not. A beginning of a word counts half. */
function weight(entry, term) {
  let best = 0;
  for (const [field, count] of entry.counts) {
    const exact = count.get(term) || 0;
    const begun = !exact && term.length > 2 && [...count.keys()].some(word => word.startsWith(term));
    best += WEIGHTS[field] * (exact ? 1 + Math.log(exact) : begun ? 0.5 : 0);
  }
  return best;
}

/** Terms that stand next to each other, in their order, say more than the same terms apart. */
function standTogether(found, wanted) {
  return wanted.length > 1
    && found.some((_, at) => wanted.every((term, i) => found[at + i] && found[at + i].stem === term));
}

function score(entry, wanted, rarity) {
  const fits = wanted.map(term => weight(entry, term) * rarity.get(term));
  const matched = fits.filter(Boolean).length;
  let sum = fits.reduce((a, b) => a + b, 0);
  if (standTogether(entry.fields.heading, wanted)) sum *= 2;
  if (standTogether(entry.fields.text, wanted) || standTogether(entry.fields.code, wanted)) sum *= 1.5;
  const whole = entry.fields.heading.map(({ stem }) => stem).join(" ") === wanted.join(" ");
  return { matched, sum: whole ? 4 * sum : sum };
}

/** Entries with all terms of some variant, best first; where there are none, those with the most. */
function find(query) {
  const best = new Map();
  for (const variant of variants(query)) {
    const wanted = terms(variant);
    const rarity = new Map(wanted.map(term => {
      const holders = entries.filter(entry => weight(entry, term)).length;
      return [term, Math.log(1 + entries.length / (1 + holders))];
    }));
    for (const entry of entries) {
      const { matched, sum } = score(entry, wanted, rarity);
      const share = wanted.length ? matched / wanted.length : 0;
      const before = best.get(entry);
      if (matched && (!before || share > before.share || (share === before.share && sum > before.sum))) {
        best.set(entry, { entry, share, sum, wanted });
      }
    }
  }
  const most = Math.max(0, ...[...best.values()].map(({ share }) => share));
  return [...best.values()].filter(({ share }) => share === most).sort((a, b) => b.sum - a.sum);
}

/** The part of a section where most terms stand, with the terms marked. */
function excerpt({ entry, wanted }) {
  const isHit = ({ stem }) => wanted.some(term => stem === term || (term.length > 2 && stem.startsWith(term)));
  const hits = { text: entry.fields.text.filter(isHit), code: entry.fields.code.filter(isHit) };
  const field = hits.text.length || !hits.code.length ? "text" : "code";
  const near = start => new Set(
    hits[field].filter(({ index }) => index >= start && index < start + EXCERPT / 2).map(({ stem }) => stem)).size;
  const densest = hits[field].reduce((a, b) => (near(b.index) > near(a.index) ? b : a), hits[field][0] || { index: 0 });
  const text = entry[field];
  const from = densest.index < EXCERPT / 3 ? 0 : text.lastIndexOf(" ", densest.index - EXCERPT / 3) + 1;
  const paragraph = document.createElement(field === "code" ? "code" : "p");
  paragraph.className = "excerpt";
  let at = from;
  for (const { index, length } of hits[field].filter(hit => hit.index >= from && hit.index < from + EXCERPT)) {
    if (index < at) continue;
    const mark = document.createElement("mark");
    mark.textContent = text.slice(index, index + length);
    paragraph.append(text.slice(at, index), mark);
    at = index + length;
  }
  const end = Math.max(at, Math.min(text.length, from + EXCERPT));
  paragraph.append(text.slice(at, end), end < text.length ? " …" : "");
  if (from) paragraph.prepend("… ");
  return paragraph;
}

function item(result) {
  const { entry } = result;
  const link = document.createElement("a");
  link.href = entry.address;
  link.textContent = entry.heading || entry.title;
  const line = document.createElement("li");
  line.append(link);
  if (entry.heading && entry.heading !== entry.title) {
    const where = document.createElement("span");
    where.className = "where";
    where.textContent = entry.title;
    line.append(" ", where);
  }
  line.append(excerpt(result));
  return line;
}

function say(query, count) {
  if (!query.trim()) return "";
  if (!count) return `Nothing found for “${query}”. Try fewer words, or another word for it.`;
  return `${count} ${count === 1 ? "place" : "places"} for “${query}”${count > SHOWN ? `, the best ${SHOWN} here` : ""}`;
}

const place = document.getElementById("search-results");
const status = Object.assign(document.createElement("p"), { className: "search-status" });
status.setAttribute("role", "status");
const list = Object.assign(document.createElement("ol"), { className: "search-list" });
place.append(status, list);

function show(query) {
  const results = find(query);
  status.textContent = say(query, results.length);
  list.replaceChildren(...results.slice(0, SHOWN).map(item));
}

const field = document.querySelector(".bd-search-container form.bd-search input");
field.value = new URLSearchParams(location.search).get("q") || "";
field.addEventListener("input", () => {
  history.replaceState(null, "", `?q=${encodeURIComponent(field.value)}`);
  show(field.value);
});
field.form.addEventListener("submit", event => event.preventDefault());
show(field.value);
if (!field.value) field.focus();
