/** Quizzes: check an answer in the page, explain it, and keep the score in this browser. */

/** Scores; where storage is blocked they last as long as the page. */
const load = (key) => {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? {};
  } catch {
    return {};
  }
};
const save = (key, scores) => {
  try {
    localStorage.setItem(key, JSON.stringify(scores));
  } catch { /* private mode, or full */ }
};

/** What is typed as a number or a fraction: a comma is a point, a typographic minus is a minus. */
const parse = (text) => {
  const parts = text.split("/").map((part) => part.trim().replace(",", ".").replace("\u2212", "-"));
  const [top, bottom = 1] = parts.map((part) => (part ? Number(part) : NaN));
  return parts.length > 2 ? NaN : top / bottom;
};

/** What the reader has filled in, as a list to keep; and the way back. */
const read = (form) => {
  const steps = [...form.querySelectorAll(".step")];
  if (steps.length) return steps.map(({ dataset }) => dataset.answer);
  return [...form.querySelectorAll("input")].map((input) => (input.type === "text" ? input.value : input.checked));
};
const fill = (form, answer) => {
  const list = form.querySelector(".steps");
  const inputs = form.querySelectorAll("input");
  if (list) list.append(...answer.map((step) => list.querySelector(`[data-answer="${step}"]`).closest("li")));
  else answer.forEach((value, i) => { inputs[i][inputs[i].type === "text" ? "value" : "checked"] = value; });
};

const isRight = (explanation) => "right" in explanation.dataset;

/** Single and multiple: each option that was chosen, and each right one that was left. */
const judgeChoices = ({ choices, answers }) => {
  const chosen = choices.map((choice) => choice.querySelector("input").checked);
  if (!chosen.includes(true)) return "Choose an option first.";
  const left = choices[0].querySelector("[type=checkbox]") ? "Missed." : "";
  const word = (i) => (chosen[i] ? (isRight(answers[i]) ? "Right." : "Wrong.") : isRight(answers[i]) && left);
  return choices.map((choice, i) => [choice, answers[i], word(i)]).filter((note) => note[2]);
};

/** The notes on an answer, each [choice, its explanation, the word before it]; a sentence if there is none yet. */
const judges = {
  single: judgeChoices,
  multiple: judgeChoices,

  numeric({ form, choices: [field], answers }) {
    const value = parse(field.querySelector("input").value);
    if (!Number.isFinite(value)) return "Write a number, like 0.5, -2 or 1/3.";
    const slack = Number(form.dataset.tolerance) + 1e-9 * Math.abs(value);
    const met = answers.find(({ dataset }) => Math.abs(dataset.value - value) <= slack)
      ?? answers.find(({ dataset }) => !dataset.value);
    return [[field, met, isRight(met) ? "Right." : "Wrong."]];
  },

  order({ form, answers, initial }) {
    if (String(read(form)) === initial) return "Move a step first."; // a first order is never right
    const steps = [...form.querySelectorAll(".step")].map((step) => [step.closest("li"), answers[step.dataset.answer]]);
    const ranks = steps.map(([, { dataset }]) => Number(dataset.rank));
    const sorted = [...ranks].sort((a, b) => a - b);
    const wrong = ranks.findIndex((rank, i) => rank !== sorted[i]);
    return wrong < 0 ? steps.map((step) => [...step, "Right."]) : [[...steps[wrong], "Not here."]];
  },
};

/** A copy of the explanation, headed by the word. */
const explain = (explanation, word) => {
  const copy = explanation.cloneNode(true);
  copy.querySelectorAll("[id]").forEach((element) => element.removeAttribute("id"));
  copy.querySelector(".letter").remove();
  const verdict = copy.querySelector(".verdict");
  verdict.textContent = word;
  verdict.className = `verdict ${word === "Right." ? "is-right" : "is-wrong"}`;
  return copy;
};

/** Up and down for the steps of an order question. Returns how to shuffle them back. */
const enableMoves = (list, say) => {
  const initial = [...list.children];
  list.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (!button) return;
    const step = button.closest("li");
    if (button.matches(":first-child")) step.previousElementSibling?.before(step);
    else step.nextElementSibling?.after(step);
    button.focus();
    const place = [...list.children].indexOf(step) + 1;
    say(`${step.querySelector(".letter").textContent[0]} is now step ${place} of ${initial.length}.`);
  });
  return () => list.append(...initial);
};

/** One question; `record(right, answer)` counts an answer. Returns how to start over, and how to show an answer. */
const enableQuestion = (form, record) => {
  const choices = [...form.querySelectorAll(".choice")];
  const details = form.nextElementSibling;
  const answers = [...details.querySelectorAll(".explanation")];
  const clear = (said = "") => {
    form.querySelectorAll(".feedback").forEach((place) => place.replaceChildren());
    form.querySelector(".check [role=status]").textContent = said;
  };
  const initial = String(read(form));
  const steps = form.querySelector(".steps");
  const shuffleBack = steps && enableMoves(steps, clear);

  details.open = true; // hidden on the screen, printed
  form.addEventListener("input", () => clear());
  /** Explain what is filled in. Returns whether it is right; nothing if there is no answer yet. */
  const judge = () => {
    const notes = judges[form.dataset.kind]({ form, choices, answers, initial });
    if (typeof notes === "string") return clear(notes);
    clear();
    for (const [choice, explanation, word] of notes) {
      choice.querySelector(".feedback").append(explain(explanation, word));
    }
    return notes.every(([, , word]) => word === "Right.");
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const right = judge();
    if (right !== undefined) record(right, read(form));
  });
  return {
    reset() {
      form.reset();
      shuffleBack?.();
      clear();
    },
    restore(answer) {
      fill(form, answer);
      judge();
    },
  };
};

/** What a self-test says of the sections it asks about: skip what was all right at once, read what was not. */
const advise = (quiz, forms, scores) => {
  const [skip, read, links] = [new Set(), new Set(), new Map()];
  for (const form of forms) {
    const link = form.nextElementSibling.querySelector(".about a");
    const { tries, right } = scores[form.dataset.digest] ?? {};
    if (!link || !tries) continue;
    links.set(link.href, link);
    (right && tries === 1 ? skip : read).add(link.href);
  }
  const line = (word, found) => {
    if (!found.length) return [];
    const row = document.createElement("p");
    row.append(word, ...found.flatMap((href, i) => [i ? ", " : " ", links.get(href).cloneNode(true)]), ".");
    return [row];
  };
  quiz.querySelector(".sections").replaceChildren(
    ...line("You may skip:", [...skip].filter((href) => !read.has(href))), ...line("Read:", [...read]));
};

/** A quiz. A score belongs to the digest of its question: one that was rewritten starts anew. */
const enableQuiz = (quiz) => {
  const key = `quiz:${location.pathname.replace(/index\.html$/, "")}#${quiz.id}`;
  let scores = load(key);
  const forms = [...quiz.querySelectorAll("form")];
  const show = () => {
    const right = forms.map(({ dataset }) => scores[dataset.digest]).filter((score) => score?.right);
    const first = right.filter(({ tries }) => tries === 1).length;
    quiz.querySelector(".score [role=status]").textContent =
      `${right.length} of ${forms.length} answered right, ${first} at the first try.`;
    advise(quiz, forms, scores);
    for (const form of forms) {
      const { tries, right } = scores[form.dataset.digest] ?? {};
      form.querySelector(".result").textContent = !right ? "" : tries === 1 ? "right at the first try" : "answered right";
    }
  };
  const update = (changed) => {
    scores = changed;
    save(key, scores);
    show();
  };
  const questions = forms.map((form) => enableQuestion(form, (right, answer) => {
    const { digest } = form.dataset;
    const before = scores[digest] ?? { tries: 0 };
    if (!before.right) update({ ...scores, [digest]: { tries: before.tries + 1, right, answer } });
  }));
  quiz.querySelector(".score button").addEventListener("click", () => {
    questions.forEach(({ reset }) => reset());
    update({});
  });
  forms.forEach(({ dataset }, i) => scores[dataset.digest]?.answer && questions[i].restore(scores[dataset.digest].answer));
  quiz.dataset.live = "";
  show();
};

document.querySelectorAll(".quiz").forEach(enableQuiz);
