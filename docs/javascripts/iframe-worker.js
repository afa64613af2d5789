// The search runs in a worker, which browsers refuse to a page opened from a folder: there it runs in a hidden frame.
// (The theme would load a script from elsewhere for this; the site loads nothing from anywhere.)
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      this.inside = new Promise((ready) => {
        frame.onload = () => {
          const inside = frame.contentWindow;
          inside.postMessage = (data) => {
            const event = new MessageEvent("message", { data });
            this.dispatchEvent(event);
            this.onmessage?.(event);
          };
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
      this.inside.then((inside) => inside.dispatchEvent(new inside.MessageEvent("message", { data })));
    }

    terminate() {}
  };
}
