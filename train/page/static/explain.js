// Drop, paste or take a photo: each way ends in the form's own field, and the form is sent as if the photo was chosen there.

const form = document.querySelector("#photo-form");
const field = document.querySelector("#photo");
const drop = document.querySelector("#drop");
const video = document.querySelector("#video");
const viewfinder = document.querySelector("#viewfinder");
const status = document.querySelector("#status");

function send(file) {
  const transfer = new DataTransfer();
  transfer.items.add(file);
  field.files = transfer.files;
  form.requestSubmit();
}

function closeCamera() {
  video.srcObject?.getTracks().forEach((track) => track.stop());
  video.srcObject = null;
  viewfinder.hidden = true;
}

async function openCamera() {
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 } } });
    await video.play(); // the picture has its size then
    viewfinder.hidden = false;
    document.querySelector("#shoot").focus();
  } catch (error) {
    status.textContent = `The camera cannot be used (${error.message}): choose a photo instead.`;
  }
}

function shoot() {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  closeCamera();
  canvas.toBlob((blob) => send(new File([blob], "camera.png", { type: "image/png" })), "image/png");
}

if (form) {
  form.addEventListener("submit", () => { status.textContent = "Looking at the photo …"; });
  addEventListener("paste", (event) => {
    const [file] = event.clipboardData.files;
    if (file) send(file);
  });
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const [file] = event.dataTransfer.files;
    if (file) send(file);
  });
  const camera = document.querySelector("#camera");
  camera.hidden = !navigator.mediaDevices?.getUserMedia;
  camera.addEventListener("click", openCamera);
  document.querySelector("#shoot").addEventListener("click", shoot);
  document.querySelector("#close").addEventListener("click", closeCamera);
}
