// Frame pacing: while a map moves faster than it can be drawn, its last frame is moved along instead.
//
// Without a graphics card a frame takes the processors a tenth of a second, and the browser shows nothing else
// meanwhile. To move a frame that is already drawn costs next to nothing: so slow frames are drawn seldom, and between
// them the last one follows the map. Where drawing is fast, every frame is drawn as usual.

// Milliseconds that drawing may take for every frame to be drawn.
const FAST = 34;
// How long the next frame waits, as a multiple of the time that the last one took, and at most.
const REST = 2;
const LONGEST_REST = 500;
// The latest frames by which the drawing time is judged: by the fastest, as now and then one waits for something else.
const SAMPLES = 3;
// Milliseconds between checks whether a frame is finished; animation frames come too late when drawing is slow.
const POLL = 4;
// How much larger or smaller than it was drawn a frame may be shown.
const MAX_STRETCH = 4;

export function paceFrames(map) {
  const canvas = map.getCanvas();
  canvas.style.transformOrigin = "0 0";
  // The map computes the place of the pointer from that of its canvas, which must not move with the frame.
  canvas.getBoundingClientRect = () => map.getCanvasContainer().getBoundingClientRect();
  const times = [];
  let next = 0; // when the next frame may be drawn while the map moves
  let pending = null; // the fence behind the last frame, and when the frame was begun
  let drawn = null; // the view of the last frame, and the place at the corner of the canvas

  const measure = (gl) => {
    if (pending !== null) gl.deleteSync(pending.sync);
    const frame = { sync: gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0), since: performance.now() };
    pending = frame;
    const poll = () => {
      if (pending !== frame) return;
      if (gl.getSyncParameter(frame.sync, gl.SYNC_STATUS) === gl.UNSIGNALED) return void setTimeout(poll, POLL);
      gl.deleteSync(frame.sync);
      pending = null;
      const now = performance.now();
      times.push(now - frame.since);
      if (times.length > SAMPLES) times.shift();
      const time = Math.min(...times);
      next = time > FAST ? now + Math.min(REST * time, LONGEST_REST) : 0;
    };
    setTimeout(poll, POLL);
  };

  // Whether the last frame is still being drawn, or its rest is not over.
  const tooEarly = (now) => (pending === null ? now < next : now - pending.since > FAST || next > 0);

  // Show the last frame where it belongs now; return false where it does not fit.
  const moveLastFrame = (transform) => {
    if (drawn === null || transform.width !== drawn.width || transform.height !== drawn.height) return false;
    if (transform.pitch !== drawn.pitch || transform.bearing !== drawn.bearing) return false;
    const scale = 2 ** (transform.zoom - drawn.zoom);
    const { x, y } = map.project(drawn.corner);
    const fits = scale < MAX_STRETCH && scale > 1 / MAX_STRETCH && Math.abs(x) < drawn.width * MAX_STRETCH && Math.abs(y) < drawn.height * MAX_STRETCH;
    if (fits) canvas.style.transform = scale === 1 ? `translate(${Math.round(x)}px, ${Math.round(y)}px)` : `translate(${x}px, ${y}px) scale(${scale})`;
    return fits;
  };

  const wrapPainter = () => {
    const { painter } = map;
    const { gl } = painter.context;
    if (gl.fenceSync === undefined) return;
    const draw = painter.render.bind(painter);
    painter.render = (style, transform, options) => {
      if (options.moving && tooEarly(performance.now()) && moveLastFrame(transform)) return map.triggerRepaint();
      draw(style, transform, options);
      const { width, height, pitch, bearing, zoom } = transform;
      drawn = { width, height, pitch, bearing, zoom, corner: map.unproject([0, 0]) };
      canvas.style.transform = "";
      measure(gl);
    };
  };
  wrapPainter();
  map.on("webglcontextrestored", wrapPainter);
}
