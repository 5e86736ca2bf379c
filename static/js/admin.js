// Unfold hides the page until Alpine has started, so that the browser finds nothing to give its focus to.
document.addEventListener("alpine:initialized", () => {
    requestAnimationFrame(() => document.querySelector("[autofocus]")?.focus());
});

// From 1280 pixels on the menu stands beside the page; Unfold shows it only above that. Whoever closed it finds it closed.
document.addEventListener("alpine:init", () => {
    const hasRoom = () => innerWidth >= 1280;
    const staysOpen = () => hasRoom() && localStorage.getItem("sidebarOpen") !== "0";
    const unfoldTheme = window.theme;
    window.theme = (...args) => {
        const state = unfoldTheme(...args);
        state.sidebarOpen = staysOpen();
        state.sidebarToggle = function () {
            this.sidebarOpen = !this.sidebarOpen;
            if (hasRoom()) localStorage.setItem("sidebarOpen", this.sidebarOpen ? "1" : "0");
        };
        state.themeBindings["x-resize.window"] = function () {
            this.sidebarOpen = staysOpen();
        };
        return state;
    };
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
