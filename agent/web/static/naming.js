// Ask for a name, in a dialog that can be left.
import { at } from "./dom.js";

/** `then` gets the name; `remove` is offered where it is given. */
export function askName(title, text, hint, then, remove = null) {
  const dialog = at("name"), field = at("name-text");
  at("name-title").textContent = title;
  at("name-hint").textContent = hint;
  at("name-delete").hidden = !remove;
  field.value = text;
  dialog.returnValue = "";
  dialog.onclose = () => {
    const name = field.value.trim();
    if (dialog.returnValue === "ok" && name) then(name);
    if (dialog.returnValue === "delete") remove?.();
  };
  dialog.showModal();
  field.select();
}
at("name-cancel").onclick = () => at("name").close("cancel");
at("name-delete").onclick = () => at("name").close("delete");
