// What a server tells as it happens. A page that is not shown does not listen: a browser has six connections to a server.

const AGAIN = 5000;

// Calls `take` with each piece of news, and `lose` with a sentence if the server tells no more.
function listen(path, take, lose) {
  let source = null;
  const open = () => {
    source = new EventSource(path);
    source.onmessage = (event) => take(JSON.parse(event.data));
    const mine = source;
    source.onerror = () => {
      if (mine.readyState !== EventSource.CLOSED) return lose("The server does not answer; trying again.");
      // A browser gives up after an answer that is no stream.
      lose("The server tells nothing now: the run is not there, too many pages are open, or it was started anew and printed another address. Trying again.");
      setTimeout(() => mine === source && open(), AGAIN);
    };
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
