// The search runs in a worker, which browsers refuse to a page opened from a folder: there it runs in a hidden frame.
// (The theme would load a script from elsewhere for this; the site loads nothing from anywhere.)
if (location.protocol === "file:") {
  // As between threads: what arrives is a copy, and arrives later.
  const deliver = (target, data) =>
    setTimeout(() => target.dispatchEvent(new MessageEvent("message", { data: structuredClone(data) })));

  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.addEventListener("message", (event) => this.onmessage?.(event));
      const frame = document.createElement("iframe");
      frame.hidden = true;
      this.inside = new Promise((ready) => {
        frame.onload = () => {
          const inside = frame.contentWindow;
          inside.postMessage = (data) => deliver(this, data);
          const script = inside.document.createElement("script");
          script.src = new URL(url, location).href;
          script.onload = () => ready(inside);
          script.onerror = () => this.dispatchEvent(new Event("error"));
          inside.document.body.append(script);
        };
      });
      frame.srcdoc = "<!doctype html><title>search</title>";
      document.body.append(frame);
    }

    postMessage(data) {
      this.inside.then((inside) => deliver(inside, data));
    }

    terminate() {}
  };
}
