"""Articles: bring one in, read it with what the proofreader says, draft letters from it."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from keepshowingup.core.counting import count_of
from keepshowingup.core.errors import KeepShowingUpError
from keepshowingup.editorial import composing
from keepshowingup.editorial.fetching import fetch_page, fetch_picture
from keepshowingup.editorial.importing import import_article, left_out
from keepshowingup.editorial.licensing import find_article, state_licence
from keepshowingup.editorial.models import Article
from keepshowingup.editorial.pictures import measures_of
from keepshowingup.editorial.wording import TITLE_LENGTH
from keepshowingup.web.staff.reading import read_article, shown_pictures
from keepshowingup.web.staff.roles import StaffRequest

ON_A_PAGE = 50


class NewArticle(forms.Form):
    """An address, a file or pasted text."""

    title = forms.CharField(max_length=200, required=False)
    url = forms.CharField(max_length=500, required=False)
    file = forms.FileField(required=False, allow_empty_file=True)
    text = forms.CharField(required=False, strip=False)
    sample = forms.CharField(required=False)


@require_GET
def index(request: StaffRequest) -> HttpResponse:
    """The articles, newest first."""
    pages = Paginator(Article.objects.defer("text").order_by("-imported_at"), ON_A_PAGE)
    return render(request, "staff/articles.html", {"articles": pages.get_page(request.GET.get("page"))})


@require_http_methods(["GET", "POST"])
def bring_in(request: StaffRequest) -> HttpResponse:
    """By address, upload or paste; what can't be read comes back with a sentence and the text still there."""
    context: dict[str, Any] = {
        "samples": [{"name": name, "words": name.replace("-", " ").capitalize()} for name in map(_stem, samples())]
    }
    if request.method == "GET":
        return render(request, "staff/article_import.html", context | {"form": NewArticle()})
    form = NewArticle(request.POST, request.FILES)
    form.is_valid()
    try:
        data, name, address = _given(form)
        article = import_article(
            data,
            name=name,
            source_url=address,
            title=form.cleaned_data.get("title") or None,
            now=settings.CLOCK.now(),
            fetch=fetch_picture,
        )
    except KeepShowingUpError as error:
        context |= {"form": form, "sentence": error.message}
        return render(request, "staff/article_import.html", context, status=error.status)
    for sentence in left_out(article):
        messages.warning(request, sentence)
    return redirect("staff:article", slug=article.slug)


def _given(form: NewArticle) -> tuple[bytes, str, str]:
    """The bytes, a name that says their kind, and the address they came from."""
    if url := (form.cleaned_data.get("url") or "").strip():
        page = fetch_page(url)
        return page.data, page.name, page.url
    file: UploadedFile[bytes] | None = form.cleaned_data.get("file")
    if file is not None:
        return file.read(), file.name or "upload.txt", ""
    if sample := next((sample for sample in samples() if _stem(sample) == form.cleaned_data.get("sample")), None):
        return sample.read_bytes(), sample.name, ""
    text: str = form.cleaned_data.get("text") or ""
    return text.encode(), "pasted.md", ""


def samples() -> list[Traversable]:
    """The articles that come with the product, written for it: something to try the desk with."""
    folder = files("keepshowingup.editorial").joinpath("articles")
    return sorted((file for file in folder.iterdir() if file.name.endswith(".md")), key=lambda file: file.name)


@require_GET
def show(request: StaffRequest, slug: str) -> HttpResponse:
    """The text beside the findings, and the button that drafts letters from it."""
    article = find_article(slug)
    pictures = measures_of(article.text)
    context = {
        "article": article,
        "reading": read_article(article.text, pictures),
        "sequences": article.sequences.all(),
        "pictures": shown_pictures(article.text, pictures),
    }
    return render(request, "staff/article.html", context)


@require_POST
def draft(request: StaffRequest, slug: str) -> HttpResponse:
    """One section, one letter, on the default days; the prose stays as it is."""
    article = find_article(slug)
    title = (request.POST.get("title") or article.title).strip()[:TITLE_LENGTH]
    sequence = composing.draft_sequence(
        article.pk,
        slug=composing.free_slug(title),
        title=title,
        author=request.desk.person.email,
        now=settings.CLOCK.now(),
    )
    letters = sequence.steps.filter(deleted_at=None).count()
    messages.success(
        request, f"{count_of(letters, 'letter')} drafted. The words are the article's: make them letters of your own."
    )
    return redirect("staff:composer", slug=sequence.slug)


@require_POST
def licence(request: StaffRequest, slug: str) -> HttpResponse:
    """State what may be done with it; who said so is kept."""
    article = find_article(slug)
    stated = state_licence(
        article.pk, request.POST.get("licence", ""), by=request.desk.person.email, now=settings.CLOCK.now()
    )
    messages.success(request, f"Licence: {stated.licence}. Your name is kept with it.")
    return redirect("staff:article", slug=article.slug)


def _stem(file: Traversable) -> str:
    return file.name.removesuffix(".md")
