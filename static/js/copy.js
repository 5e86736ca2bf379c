// Copies what the page's source says, whatever a translation or an extension made of what is displayed.
"use strict";
for (const button of document.querySelectorAll("button.copy")) {
  const text = button.dataset.copy;
  const label = button.innerHTML;
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select it by hand";
    }
    setTimeout(() => { button.innerHTML = label; }, 2000);
  });
}
