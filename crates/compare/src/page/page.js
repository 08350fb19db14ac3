// Makes the page's buttons edit, and its tables sort.
(() => {
  "use strict";

  const status = document.querySelector("[data-status]");
  const table = document.querySelector("[data-edits]");
  const buttons = [...document.querySelectorAll("[data-edit]")];
  const counterparts = document.querySelector("[data-counterparts]:enabled");
  const disable = (disabled) => [...buttons, counterparts].forEach((other) => other && (other.disabled = disabled));

  const post = async (path) => {
    const answer = await fetch(path, { method: "POST" });
    const text = await answer.text();
    if (!answer.ok) throw new Error(text.trim() || answer.statusText);
    return text;
  };

  const edit = async (button) => {
    disable(true);
    status.textContent = `${button.textContent}: saved in one after the other …`;
    try {
      const text = await post(`edits/${button.dataset.edit}`);
      // The server escapes what it says.
      table.tHead.insertAdjacentHTML("afterend", text);
      for (const forgotten of [...table.tBodies].slice(8)) forgotten.remove();
      table.hidden = false;
      status.textContent = "";
    } catch (error) {
      status.textContent = `${button.textContent}: ${error.message}`;
    } finally {
      disable(false);
      button.focus({ preventScroll: true });
    }
  };
  for (const button of buttons) button.addEventListener("click", () => edit(button));

  counterparts?.addEventListener("change", async () => {
    const on = counterparts.checked;
    disable(true);
    status.textContent = on ? "Go builds the counterparts; the first time that takes minutes …" : "The counterparts end …";
    try {
      await post(`counterparts/${on ? "on" : "off"}`);
      location.reload();
    } catch (error) {
      status.textContent = error.message;
      counterparts.checked = !on;
      disable(false);
    }
  });

  // The value of a cell: its number, its words, or nothing, which goes last either way.
  const worth = (row, column) => {
    let at = 0;
    for (const cell of row.cells) {
      if (at === column) return cell.dataset.value !== undefined ? Number(cell.dataset.value) : cell.matches(".none, :empty") ? null : cell.textContent.trim();
      at += cell.colSpan;
    }
    return null;
  };
  const compare = (one, other) =>
    one === null || other === null ? (one === null) - (other === null) :
    typeof one === "number" && typeof other === "number" ? one - other :
    String(one).localeCompare(String(other), "en", { numeric: true });

  const sort = (heading) => {
    const table = heading.closest("table");
    const column = [...heading.parentElement.cells].indexOf(heading);
    const falling = heading.ariaSort === "ascending";
    for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
    heading.ariaSort = falling ? "descending" : "ascending";
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [worth(row, column), row]);
    rows.sort(([one], [other]) => (falling && one !== null && other !== null ? compare(other, one) : compare(one, other)));
    body.append(...rows.map(([, row]) => row));
  };
  for (const button of document.querySelectorAll("[data-sort]"))
    button.addEventListener("click", () => sort(button.closest("th")));
})();
