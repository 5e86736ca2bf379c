// Unfold hides the page until Alpine has started, so that the browser finds nothing to give its focus to.
document.addEventListener("alpine:initialized", () => {
    requestAnimationFrame(() => document.querySelector("[autofocus]")?.focus());
});

// On a phone a row of a list is a card, in which each value needs the head of its column beside it.
document.addEventListener("DOMContentLoaded", () => {
    const heads = [...document.querySelectorAll("#result_list thead th")].map((head) => head.querySelector(".text")?.innerText.trim());
    for (const row of document.querySelectorAll("#result_list tr.data-row")) {
        [...row.cells].forEach((cell, place) => {
            if (heads[place] && place > 1) cell.dataset.label = heads[place];
        });
    }
});
