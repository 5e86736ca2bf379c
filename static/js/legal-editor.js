// The preview beside the editor follows the typing. Without this file the button "Preview without saving" does the same.
const form = document.querySelector("form[data-preview-url]");
const preview = document.getElementById("legal-preview");
const stale = document.getElementById("legal-preview-stale");
let waiting;
let asked = 0;

async function ask() {
  const response = await fetch(form.dataset.previewUrl, { method: "POST", body: new FormData(form) });
  // Whoever was signed out meanwhile is led to the page for signing in, which is no preview.
  if (!response.ok || response.redirected) throw new Error(`No preview: ${response.status} at ${response.url}`);
  return response.text();
}

async function refresh() {
  const mine = ++asked;
  const html = await ask().catch(() => null);
  // An answer that was overtaken by a later question is dropped.
  if (mine !== asked) return;
  stale.hidden = html !== null;
  if (html !== null) preview.innerHTML = html;
}

form?.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(refresh, 600);
});
