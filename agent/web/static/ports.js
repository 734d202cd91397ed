// Ports: which there are, which are listened to, and which one is played to.
import { request } from "./connection.js";
import { at, make } from "./dom.js";
import { watch } from "./state.js";
import { canPlug, plug } from "./midi.js";

watch((s) => {
  at("no-ports").hidden = Boolean(s.ports.system);
  at("web-midi").hidden = !canPlug();
  const choice = (row, type, name, act) => make(
    "label", { className: row.there ? "choice" : "choice away" }, make("input", { type, name, checked: row.on, disabled: Boolean(row.own), onchange: act }),
    row.there ? row.name : `${row.name}, which is gone: it is taken again when it is back`,
  );
  const ins = s.ports.inputs.map((row) => choice(row, "checkbox", "input", (e) => request("listen", { port: row.name, on: e.target.checked })));
  const outs = s.ports.outputs.map((row) => choice(row, "radio", "output", () => request("output", { port: row.name })));
  at("inputs").replaceChildren(...ins, make("p", { className: "small", textContent: "and to this page's keys" }));
  at("outputs").replaceChildren(...outs, make("p", { className: "small", textContent: outs.length ? "" : "no port is there" }));
}, "ports");

at("web-midi").onclick = async () => {
  at("web-found").textContent = await plug((names) => { at("web-found").textContent = names; });
};
