// Renews the status page quietly: every half minute it asks with the ETag and swaps what changed. Focus, scrolling, opened
// details and a selection stay; a new state is said to screen readers; without an answer green is not claimed for long.
(() => {
  const every = 30000, blindAfter = 90000;
  let etag = null, renewedAt = Date.now();

  const parts = (root) => [...root.querySelectorAll("[data-status]")];
  const headline = (root) => root.querySelector(".banner-text")?.textContent ?? "";
  const keyOf = (element) => element.id || element.getAttribute("href") || element.textContent.trim();

  const isSelecting = () => {
    const selection = getSelection();
    return !selection.isCollapsed && parts(document).some((part) => part.contains(selection.anchorNode));
  };

  const swap = (now, next) => {
    if (now.innerHTML === next.innerHTML) return;
    const focused = now.contains(document.activeElement) ? keyOf(document.activeElement) : null;
    const open = new Set([...now.querySelectorAll("details[open] > summary")].map(keyOf));
    next.querySelectorAll("details > summary").forEach((one) => { one.parentElement.open = open.has(keyOf(one)); });
    const [left, top] = [scrollX, scrollY];
    now.replaceWith(next);
    if (focused !== null) {
      const same = [...next.querySelectorAll("a[href], summary")].find((one) => keyOf(one) === focused);
      same?.focus({ preventScroll: true });
    }
    scrollTo({ left, top, behavior: "instant" });
  };

  const say = (text) => { document.querySelector("#status-news").textContent = text; };

  const show = (fresh) => {
    const before = headline(document), next = parts(fresh);
    parts(document).forEach((now, index) => { if (next[index]) swap(now, next[index]); });
    document.title = fresh.title;
    if (headline(document) !== before) say(headline(document));
  };

  // What was green when it was last heard of is not known to be so now; a fault that was told stays told.
  const goBlind = () => {
    const banner = document.querySelector(".status-banner");
    if (!banner.matches(".tone-good, .tone-maintenance")) return;
    const since = new Date(renewedAt).toISOString().slice(11, 16);
    const [text, note] = ["Status Unknown", document.createElement("p")];
    note.textContent = `This page could not be renewed since ${since} UTC. Until it is, it does not claim that all is well.`;
    banner.className = "status-banner tone-unknown";
    banner.querySelector(".banner-text").textContent = text;
    banner.append(note);
    document.querySelectorAll("[data-status] .dot").forEach((dot) => { dot.className = "dot unknown"; });
    document.querySelectorAll("[data-status] .status-word").forEach((word) => { word.textContent = text; });
    document.title = document.title.replace(/: .* – /, `: ${text} – `);
    etag = null;
    say(`${text}. ${note.textContent}`);
  };

  const renew = async () => {
    if (document.visibilityState !== "visible" || isSelecting()) return;
    try {
      const headers = etag ? { "If-None-Match": etag } : {};
      const answer = await fetch(location.pathname, { headers, cache: "no-store", signal: AbortSignal.timeout(10000) });
      if (answer.status === 200) {
        show(new DOMParser().parseFromString(await answer.text(), "text/html"));
        etag = answer.headers.get("ETag");
      }
      if (answer.status === 200 || answer.status === 304) renewedAt = Date.now();
    } catch { /* Offline, or we are away: what that means for the page is decided below. */ }
    if (Date.now() - renewedAt > blindAfter) goBlind();
  };

  setInterval(renew, every);
  document.addEventListener("visibilitychange", renew);
})();
