package answer

import (
	"fmt"
	"net/http"
	"strings"
)

// general is what WebOb says of a status where an exception has only a detail to add.
var general = map[int]string{
	http.StatusBadRequest:          "The server could not comply with the request since it is either malformed or otherwise incorrect.",
	http.StatusUnauthorized:        Unverified,
	http.StatusForbidden:           "Access was denied to this resource.",
	http.StatusNotFound:            "The resource could not be found.",
	http.StatusConflict:            "There was a conflict when trying to complete your request.",
	http.StatusInternalServerError: "The server has either erred or is incapable of performing the requested operation.",
}

// Unverified is WebOb's sentence for 401.
const Unverified = "This server could not verify that you are authorized to access the document you requested. Either you supplied " +
	"the wrong credentials (e.g., bad password), or your browser does not understand how to supply the credentials required."

// WebOb answers with an error of WebOb: an explanation ("" = the status's own) and a detail. It
// is HTML, JSON or plain text, whichever the client accepts; the line breaks of HTML are in the JSON
// as well.
func WebOb(w http.ResponseWriter, r *http.Request, status int, explanation, detail string) {
	if explanation == "" {
		explanation = general[status]
	}
	title := fmt.Sprintf("%d %s", status, http.StatusText(status))
	accept := r.Header.Get("Accept")
	switch {
	case strings.Contains(accept, "text/html"), strings.Contains(accept, "*/*"):
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		w.WriteHeader(status)
		body := pageBody(status, escape.Replace(explanation), escape.Replace(detail))
		const page = "<html>\n <head>\n  <title>%[1]s</title>\n </head>\n <body>\n  <h1>%[1]s</h1>\n  %[2]s\n </body>\n</html>"
		fmt.Fprintf(w, page, title, body)
	case strings.Contains(accept, "application/json"):
		JSON(w, status, map[string]string{
			"code": title, "title": http.StatusText(status),
			"message": pageBody(status, explanation, detail),
		})
	default:
		w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
		w.WriteHeader(status)
		text := strings.NewReplacer("\n", " ", "<br />", "\n").Replace(pageBody(status, explanation, detail))
		fmt.Fprintf(w, "%s\n\n%s", title, text)
	}
}

// pageBody is WebOb's body of an error; two statuses have one of their own.
func pageBody(status int, explanation, detail string) string {
	switch status {
	case http.StatusMethodNotAllowed:
		return explanation + " <br /><br />\n" + detail
	case http.StatusUnsupportedMediaType:
		return explanation + "\n<br /><br />\n" + detail
	}
	return explanation + "<br /><br />\n" + detail + "\n\n"
}

// escape escapes as Python's html.escape does.
var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#x27;")
