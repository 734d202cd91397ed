// Takes: what was kept; to download or delete. Knows nothing of the music in them.
import { on, wish } from "./link.js";

const at = (id) => document.getElementById(id);
at("open-takes").onclick = () => { wish("takes"); at("takes").showModal(); };
at("open-controls").onclick = () => at("controls").showModal();
at("open-sound").onclick = () => at("sound").showModal();
at("save-moment").onclick = () => wish("save");

on("takes", (news) => {
  at("take-list").replaceChildren(...news.takes.map((take) => {
    const row = document.createElement("div"), text = document.createElement("p");
    row.className = "take"; text.textContent = `${take.name}: ${take.text}`; row.append(text);
    if (take.midi) row.append(Object.assign(document.createElement("a"), { href: `takes/${take.name}.mid`, download: "", textContent: "download" }));
    if (take.name !== news.now) {
      const button = Object.assign(document.createElement("button"), { textContent: "delete" });
      button.onclick = () => { if (button.dataset.sure) wish("delete take", { name: take.name }); else { button.dataset.sure = "1"; button.textContent = "sure?"; } };
      row.append(button);
    } else row.append(Object.assign(document.createElement("span"), { textContent: "now" }));
    return row;
  }));
});
