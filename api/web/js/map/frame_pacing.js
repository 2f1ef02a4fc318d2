// The picture of a map, carried along while the map moves faster than pictures can be drawn.
//
// Without a graphics card a picture takes the processors a tenth of a second, and the browser shows nothing else
// meanwhile. To move a picture that is there costs next to nothing: so pictures are drawn as seldom as they are slow,
// and between them the last one follows the map. Where pictures are quick each frame is drawn, as ever.

// Milliseconds that a picture may take to be drawn for each frame.
const QUICK = 34;
// How many times as long as a picture took the next one waits, and at most how long.
const REST = 2;
const LONGEST = 500;
// Pictures whose time tells how slow they are: the quickest of them, as now and then one waits for something else.
const LATEST = 3;
// Milliseconds between looks whether a picture is finished; frames come too late to tell when pictures are slow.
const LOOK = 4;
// How much larger or smaller than it was drawn a picture may be shown.
const STRETCH = 4;

export function carry(map) {
  const canvas = map.getCanvas();
  canvas.style.transformOrigin = "0 0";
  // The map reckons where the pointer is from where its canvas is, and must not take the carried picture for it.
  canvas.getBoundingClientRect = () => map.getCanvasContainer().getBoundingClientRect();
  const times = [];
  let next = 0; // when the next picture may be drawn while the map moves
  let pending = null; // what tells that the last picture is finished, and when it was begun
  let drawn = null; // the place whose picture begins in the corner of the canvas, and how it was drawn

  const watch = (gl) => {
    if (pending !== null) gl.deleteSync(pending.sync);
    const mine = { sync: gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0), since: performance.now() };
    pending = mine;
    const look = () => {
      if (pending !== mine) return;
      if (gl.getSyncParameter(mine.sync, gl.SYNC_STATUS) === gl.UNSIGNALED) return void setTimeout(look, LOOK);
      gl.deleteSync(mine.sync);
      pending = null;
      const now = performance.now();
      times.push(now - mine.since);
      if (times.length > LATEST) times.shift();
      const time = Math.min(...times);
      next = time > QUICK ? now + Math.min(REST * time, LONGEST) : 0;
    };
    setTimeout(look, LOOK);
  };

  // Whether a picture is still to be waited for, or the last one's rest is not over.
  const early = (now) => (pending === null ? now < next : now - pending.since > QUICK || next > 0);

  // Show the last picture where it belongs now; false where it does not serve.
  const follow = (transform) => {
    if (drawn === null || transform.width !== drawn.width || transform.height !== drawn.height) return false;
    if (transform.pitch !== drawn.pitch || transform.bearing !== drawn.bearing) return false;
    const scale = 2 ** (transform.zoom - drawn.zoom);
    const { x, y } = map.project(drawn.corner);
    const serves = scale < STRETCH && scale > 1 / STRETCH && Math.abs(x) < drawn.width * STRETCH && Math.abs(y) < drawn.height * STRETCH;
    if (serves) canvas.style.transform = scale === 1 ? `translate(${Math.round(x)}px, ${Math.round(y)}px)` : `translate(${x}px, ${y}px) scale(${scale})`;
    return serves;
  };

  const wrap = () => {
    const { painter } = map;
    const { gl } = painter.context;
    if (gl.fenceSync === undefined) return;
    const draw = painter.render.bind(painter);
    painter.render = (style, transform, options) => {
      if (options.moving && early(performance.now()) && follow(transform)) return map.triggerRepaint();
      draw(style, transform, options);
      const { width, height, pitch, bearing, zoom } = transform;
      drawn = { width, height, pitch, bearing, zoom, corner: map.unproject([0, 0]) };
      canvas.style.transform = "";
      watch(gl);
    };
  };
  wrap();
  map.on("webglcontextrestored", wrap);
}
