// The application object, the QML engine, and QML's messages while a document is loaded. Also a
// default for an environment variable, and the URL of a file.

#include <QtCore/QEventLoop>
#include <QtCore/QUrl>
#include <QtGui/QGuiApplication>
#include <QtGui/QWindow>
#include <QtQml/QQmlApplicationEngine>
#include <QtQml/QQmlContext>
#include <QtQml/QQmlError>
#include <QtWidgets/QApplication>

namespace {

// An engine that keeps what QML reports while a document is loaded.
struct Engine
{
    QQmlApplicationEngine engine;
    QString reports;
    bool loading = false;

    Engine()
    {
        QObject::connect(&engine, &QQmlEngine::warnings, &engine,
                         [this](const QList<QQmlError> &errors) {
                             if (!loading)
                                 return;
                             for (const QQmlError &error : errors)
                                 reports += error.toString() + QLatin1Char('\n');
                         });
    }
};

} // namespace

extern "C" {

// Sets a variable that is not set. Called before there is an application object, if there is no
// display.
void mpqt_default_environment(const char *name, const char *value)
{
    if (qEnvironmentVariableIsEmpty(name))
        qputenv(name, value);
}

bool mpqt_application_exists()
{
    return QCoreApplication::instance() != nullptr;
}

// `argc` and `argv` must live as long as the application.
QApplication *mpqt_application_new(int *argc, char **argv)
{
    return new QApplication(*argc, argv);
}

void mpqt_application_delete(QApplication *application)
{
    delete application;
}

int mpqt_application_exec()
{
    return QApplication::exec();
}

// Runs one turn of the event loop, for the events that wait already.
void mpqt_application_process_events()
{
    QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
    QCoreApplication::processEvents(QEventLoop::AllEvents);
}

// Runs one turn of the event loop, and waits for an event first if there is none.
void mpqt_application_wait_for_events()
{
    QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
    QCoreApplication::processEvents(QEventLoop::AllEvents | QEventLoop::WaitForMoreEvents);
}

void mpqt_application_hide_windows()
{
    const QWindowList windows = QGuiApplication::topLevelWindows();
    for (QWindow *window : windows)
        window->hide();
}

Engine *mpqt_engine_new()
{
    return new Engine;
}

void mpqt_engine_delete(Engine *engine)
{
    delete engine;
}

void mpqt_engine_add_import_path(Engine *engine, const QString *path)
{
    engine->engine.addImportPath(*path);
}

void mpqt_engine_set_object(Engine *engine, const QString *name, QObject *object)
{
    engine->engine.rootContext()->setContextProperty(*name, object);
}

// Loads a document and returns whether it has a root object. `reports` receives QML's messages.
bool mpqt_engine_load(Engine *engine, const char *source, size_t length, const QString *url,
                      QString *reports)
{
    engine->reports.clear();
    engine->loading = true;
    if (source)
        engine->engine.loadData(QByteArray(source, qsizetype(length)), QUrl(*url));
    else
        engine->engine.load(QUrl(*url));
    engine->loading = false;
    *reports = engine->reports.trimmed();
    return !engine->engine.rootObjects().isEmpty();
}

void mpqt_url_of_file(const QString *path, QString *url)
{
    *url = QUrl::fromLocalFile(*path).toString();
}

} // extern "C"
