// Keys press the buttons that bear them; the page works without.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches("input, textarea");
  if (typing && event.key === "Escape") return event.target.blur();
  if (typing) return;
  const found = [...document.querySelectorAll("[data-key]")].find((each) => each.dataset.key === event.key.toLowerCase());
  if (!found) return;
  event.preventDefault();
  if (found.matches("input")) found.focus();
  else found.click();
});
const again = document.querySelector("[data-again]");
if (again) setTimeout(() => location.assign("/review"), 1000 * Number(again.dataset.again));
