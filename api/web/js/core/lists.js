// Lists of the service: read in parts by the page, taken away whole as Excel or CSV.

import { address, ask } from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { current } from "./state.js";

const PAGE = 100;

// What every list is asked with, beside what narrows it.
const common = () => ({ scheme: current().scheme, at: current().at, lang: current().language });

// Some rows of a list: { columns, items, total }.
export const readList = (name, query, offset = 0) => ask(`v1/lists/${name}`, { query: { ...common(), ...query, limit: PAGE, offset } });

// What a list can be taken away as, and what that is called.
export const FORMS = { xlsx: "export_xlsx", csv: "export_csv" };

const exportLink = (name, form, query) =>
  h("a", { class: "link-button", "data-export": form, href: address(`v1/lists/${name}.${form}`, { ...common(), ...query }), download: "", "data-t": FORMS[form] }, t(FORMS[form]));

// Links by which a whole list leaves the page.
export const exportLinks = (name, query) => h("p", { class: "exports" }, Object.keys(FORMS).map((form) => exportLink(name, form, query)));

// Take a whole list away at once.
export const download = (name, form, query) => exportLink(name, form, query).click();
