// Copying, and parts that renew themselves. Everything else works without a script.
"use strict";

const PERIOD = 2000; // milliseconds between two looks
const status = document.getElementById("status");

function say(text) {
  const note = document.createElement("p");
  note.className = "note good";
  note.textContent = text;
  status.replaceChildren(note);
}

function copyOnClick(button) {
  const field = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      say("Copied.");
    } catch {
      say("Selected: copy it with your keyboard.");
    }
  });
}

function isInUse(part) {
  const selection = document.getSelection();
  return part.contains(document.activeElement) ||
    (!selection.isCollapsed && part.contains(selection.anchorNode));
}

function renew(part, page) {
  const fresh = page && page.getElementById(part.id);
  if (fresh && !isInUse(part) && fresh.innerHTML !== part.innerHTML) {
    part.replaceChildren(...document.importNode(fresh, true).childNodes);
  }
}

function keepFresh(part) {
  const pause = document.querySelector(`[data-pause="${part.id}"]`);
  let isPaused = false;
  const look = () => {
    if (isPaused || document.hidden || isInUse(part)) {
      setTimeout(look, PERIOD);
      return;
    }
    const request = new XMLHttpRequest(); // parses HTML without running it
    request.open("GET", part.dataset.live);
    request.responseType = "document";
    request.onload = () => isPaused || renew(part, request.responseXML);
    request.onloadend = () => setTimeout(look, PERIOD);
    request.send();
  };
  if (pause) {
    pause.hidden = false;
    pause.addEventListener("click", () => {
      isPaused = !isPaused;
      pause.setAttribute("aria-pressed", String(isPaused));
    });
  }
  setTimeout(look, PERIOD);
}

// What was said while the page was loading is said again, or a screen reader keeps silent.
const note = status.textContent.trim();
if (note) {
  status.replaceChildren();
  setTimeout(say, 100, note);
}
document.querySelectorAll("[data-copy]").forEach(copyOnClick);
document.querySelectorAll("[data-live]").forEach(keepFresh);
