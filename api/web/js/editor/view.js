// How the parts of the planner's page are drawn: as components, again whenever a signal that they read changes.

import { html, render } from "../../vendor/htm/preact.mjs";
import { effect, signal } from "../../vendor/signals/signals-core.mjs";
import { t } from "../core/i18n.js";
import { current, listen } from "../core/state.js";

export { html };

const language = signal(current().language);
listen(["language"], (state) => {
  language.value = state.language;
});

// Keep what a component draws in an element.
export function show(element, component) {
  effect(() => {
    // Read, so that another language draws it again.
    void language.value;
    render(html`<${component} />`, element);
  });
}

export const icon = (path) => html`<svg class="icon" viewBox="0 0 20 20" aria-hidden="true"><path d=${path} /></svg>`;

// A button; one that cannot be used says why.
export function Button({ word, onclick, main = false, disabled = null, busy = false, children, ...more }) {
  const why = disabled === null ? {} : { "aria-disabled": "true", title: disabled };
  return html`<button type="button" class=${main ? "button button-main" : "button"} ...${why} ...${more}
    onclick=${(event) => (disabled === null && !busy ? onclick(event) : undefined)}>${children ?? t(word)}</button>`;
}
