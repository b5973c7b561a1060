// What a server tells as it happens. A page that is not shown does not listen: a browser has six connections to a server.

// Calls `take` with each piece of news, and `lose` with a sentence if the server tells no more.
function listen(path, take, lose) {
  let source = null;
  const open = () => {
    source = new EventSource(path);
    source.onmessage = (event) => take(JSON.parse(event.data));
    source.onerror = () => lose(source.readyState === EventSource.CLOSED
      ? "The server tells no more: too many pages are open, or it was started anew and printed another address."
      : "The server does not answer; trying again.");
  };
  const look = () => {
    if (document.hidden && source) {
      source.close();
      source = null;
    } else if (!document.hidden && !source) open();
  };
  document.addEventListener("visibilitychange", look);
  look();
}
