// The document that is printed: the dialog opens by itself, and again by its button.
document.querySelector("[data-print]").addEventListener("click", () => print());
addEventListener("load", () => print());
