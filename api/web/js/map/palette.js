// The colours of cells and outlines, and the hatching of gaps.

// Six soft colours in the order of gis.colours; the colour-blind tell cells apart by codes and borders.
export const NEIGHBOURS = ["#a5c1de", "#f0bdc2", "#b3d4ac", "#eadf9f", "#aee0ea", "#dab5d3"];

const RAMP = ["#e6f2ec", "#bfe0d4", "#86c3c0", "#4b9dab", "#1f7089", "#0c4560", "#072c44"];

export const NO_DATA = "#d5d8da";

export const ACCENT = "#0b5a69";
export const INK = "#17242f";

function parts(colour) {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
}

function mixed(first, second, share) {
  const [a, b] = [parts(first), parts(second)];
  return `#${a.map((each, at) => Math.round(each + (b[at] - each) * share).toString(16).padStart(2, "0")).join("")}`;
}

// So many colours from light to dark, equally far apart on the ramp.
export function ramp(count) {
  const last = count <= 5 ? RAMP.length - 2 : RAMP.length - 1;
  return Array.from({ length: count }, (_, at) => {
    const place = count === 1 ? last / 2 : (at * last) / (count - 1);
    const low = Math.min(Math.floor(place), last - 1);
    return mixed(RAMP[low], RAMP[low + 1], place - low);
  });
}

// Lines across a square of a size, whose ends are [x, y, x, y], by their directions in degrees counter-clockwise from east.
const HATCH_LINES = {
  0: (size) => [[-2, size / 2, size + 2, size / 2]],
  45: (size) => [-size, 0, size].map((shift) => [shift - 2, size + 2, shift + size + 2, -2]),
  90: (size) => [[size / 2, -2, size / 2, size + 2]],
  135: (size) => [-size, 0, size].map((shift) => [shift - 2, -2, shift + size + 2, size + 2]),
};

// A pattern of lines in some directions, as MapLibre takes images: { width, height, data }.
export function hatch(colour, directions) {
  const size = 16;
  const canvas = document.createElement("canvas");
  canvas.width = size;
  canvas.height = size;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.fillStyle = `${colour}24`;
  pen.fillRect(0, 0, size, size);
  pen.strokeStyle = colour;
  pen.lineWidth = 2;
  for (const [x, y, toX, toY] of directions.flatMap((direction) => HATCH_LINES[direction](size))) {
    pen.moveTo(x, y);
    pen.lineTo(toX, toY);
  }
  pen.stroke();
  return pen.getImageData(0, 0, size, size);
}
