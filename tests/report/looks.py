"""What is asked of a page in a browser, as JavaScript; the answer is an empty list if all is well."""

from __future__ import annotations

OVERFLOWING = """
[...document.querySelectorAll("main *, header *, footer *")]
  .filter(one => !one.closest(".scroll, svg, .hidden") && one.getBoundingClientRect().right > innerWidth + 1)
  .map(one => one.outerHTML.slice(0, 80))
"""
EMPTY_PICTURES = """
[...document.querySelectorAll("svg")]
  .filter(one => one.getBoundingClientRect().width < 100 || one.getBoundingClientRect().height < 40)
  .map(one => one.getAttribute("aria-label"))
"""
# Not a question.
OPEN_ALL = "document.querySelectorAll('details').forEach(one => { one.open = true })"
# Contrast as in WCAG 2.1, 1.4.3: at least 4.5 to 1, for each element that holds text of its own.
FAINT_TEXT = """
(() => {
  const light = colour => {
    const [r, g, b] = colour.match(/[0-9.]+/g).slice(0, 3)
      .map(part => part / 255).map(part => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = one => {
    for (; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (!colour.endsWith(", 0)") && colour !== "transparent") return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const own = one => [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim());
  return [...document.querySelectorAll("body *")].filter(own).map(one => {
    const style = getComputedStyle(one);
    const pair = [light(one.namespaceURI.endsWith("svg") ? style.fill : style.color), light(ground(one))];
    return [(Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05), one.tagName + " " + one.textContent.slice(0, 40)];
  }).filter(([contrast]) => contrast < 4.5);
})()
"""
