// Drags and keys on the face, as gestures: which handle of which shape, and by how many pixels of the codebook's frame.

const STEP = 2, FAR = 10; // pixels that a key moves a region by
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function pointOf(stage, event) {
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(stage.getScreenCTM().inverse());
  return [point.x, point.y];
}

function gestureOf(element, by, key, handle) {
  const { region: chosen, index, mirrored } = element.dataset;
  return { region: chosen, index: Number(index), mirrored: mirrored === "1", handle: handle ?? element.dataset.handle, by, key };
}

// The editor gives: ask(job) sends a gesture, remember(content) makes it undoable, choose(region), and current() content.
export function listenToStage(stage, { ask, remember, choose, current }) {
  let drag = null;

  stage.addEventListener("pointerdown", (event) => {
    const element = event.target.closest("[data-handle]");
    if (!element || event.button) return;
    event.preventDefault();
    element.focus({ preventScroll: true });
    stage.setPointerCapture(event.pointerId);
    drag = { start: pointOf(stage, event), from: current(), gesture: gestureOf(element, [0, 0], false), moved: false };
    choose(element.dataset.region);
  });

  stage.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const [x, y] = pointOf(stage, event);
    if (!drag.moved) remember(drag.from);
    drag.moved = true;
    ask({ move: true, from: drag.from, gesture: { ...drag.gesture, by: [x - drag.start[0], y - drag.start[1]] } });
  });

  function endDrag() {
    if (drag) ask({ panels: true });
    drag = null;
  }

  stage.addEventListener("pointerup", endDrag);
  stage.addEventListener("pointercancel", endDrag);

  stage.addEventListener("keydown", (event) => {
    const element = event.target.closest("[data-handle]");
    if (!element || event.ctrlKey || event.metaKey || event.altKey) return;
    const size = event.shiftKey ? FAR : STEP;
    const arrow = ARROWS[event.key], grow = { "+": 1, "=": 1, "-": -1 }[event.key];
    if (!arrow && !grow && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    choose(element.dataset.region);
    if (arrow) ask({ gesture: gestureOf(element, arrow.map((step) => step * size), true), keep: true, panels: true });
    else if (grow) ask({ gesture: gestureOf(element, [grow * STEP, 0], true, "size"), keep: true, panels: true });
    else ask({ panels: true });
  });
}
