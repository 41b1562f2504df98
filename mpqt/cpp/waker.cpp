// Wakes the GUI thread from any thread, with one posted event. Also tells which thread that is.
//
// The object that receives it lives in the GUI thread. It is destroyed first when the application
// object is destroyed, while the dispatcher still exists; a mutex keeps posting and this
// destruction apart.

#include <QtCore/QCoreApplication>
#include <QtCore/QEvent>
#include <QtCore/QObject>
#include <QtCore/QThread>

#include <mutex>

extern "C" void mpqt_waker_fired();
extern "C" void mpqt_waker_closed();

namespace {

QEvent::Type eventType()
{
    static const int type = QEvent::registerEventType();
    return QEvent::Type(type);
}

class Waker : public QObject
{
public:
    bool event(QEvent *event) override
    {
        if (event->type() != eventType())
            return QObject::event(event);
        ++firing;
        mpqt_waker_fired();
        --firing;
        return true;
    }

    int firing = 0;
};

// Never destroyed: threads may wake until the end of the process.
std::mutex &guard()
{
    static std::mutex *mutex = new std::mutex;
    return *mutex;
}

Waker *waker = nullptr;

void close()
{
    Waker *closing = nullptr;
    {
        const std::lock_guard<std::mutex> lock(guard());
        std::swap(closing, waker);
    }
    if (!closing)
        return;
    if (closing->firing > 0)
        closing->deleteLater();
    else
        delete closing;
    mpqt_waker_closed();
}

} // namespace

// Returns whether this is the thread of the application object.
extern "C" bool mpqt_is_gui_thread()
{
    return qApp && QThread::currentThread() == qApp->thread();
}

// Called in the GUI thread, when there is an application object; also again after a close.
extern "C" void mpqt_waker_open()
{
    const std::lock_guard<std::mutex> lock(guard());
    if (waker)
        return;
    waker = new Waker;
    qAddPostRoutine(close);
}

extern "C" bool mpqt_waker_is_open()
{
    const std::lock_guard<std::mutex> lock(guard());
    return waker != nullptr;
}

// Can be called from any thread. Returns false if there is no waker.
extern "C" bool mpqt_waker_post()
{
    const std::lock_guard<std::mutex> lock(guard());
    if (!waker)
        return false;
    QCoreApplication::postEvent(waker, new QEvent(eventType()));
    return true;
}
